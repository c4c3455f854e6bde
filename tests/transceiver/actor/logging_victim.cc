// Actors of both sides in one process, for what the message log says of them. What they do is the
// argument. Exits with 0 when all went as it should.
#include <fcntl.h>

#include <string_view>
#include <thread>

#include "tests/transceiver/actor/hotline.h"
#include "transceiver/actor/wire.h"

namespace forkserver {
namespace {

constexpr int kNoIoUring = 77;

#define NEED(condition) \
  if (!(condition)) return __LINE__ % 256

int Talk() {
  HotlinePair pair;
  pair.parent->on_ask = [](AskParent&, Resolver<Assistance> resolver) {
    resolver.Reject(absl::NotFoundError("nobody\nis \x1b[31mhere"));
    return absl::OkStatus();
  };
  int answers = 0;
  NEED(pair.parent->Call(GetAssistance{.question = "?"}, [&](auto) { ++answers; }).ok());
  NEED(pair.RunBoth([&] { return answers == 1; }));
  NEED(pair.child->Call(AskParent{.question = "!"}, [&](auto) { ++answers; }).ok());
  NEED(pair.RunBoth([&] { return answers == 2; }));
  NEED(pair.child->Send(Note{.number = 1}).ok());
  NEED(pair.RunBoth([&] { return pair.parent->events.size() == 2; }));
  pair.child->Close();
  NEED(pair.RunBoth([&] { return pair.parent->is_ended(); }));
  NEED(!pair.parent->Send(Note{}).ok());
  return 0;
}

int Deliver() {
  HotlinePair pair;
  pair.parent->CloseWhenDelivered();
  NEED(pair.RunBoth([&] { return pair.parent->is_ended() && pair.child->is_ended(); }));
  return 0;
}

// The socket is full, and closes.
int CloseFull() {
  HotlinePair pair;
  while (pair.parent->queued_messages() < 2) NEED(pair.parent->Send(Note{.number = 1}).ok());
  pair.parent->Close();
  return 0;
}

// The queue waits for a peer that goes.
int LoseThePeer() {
  HotlinePair pair;
  while (pair.parent->queued_messages() < 2) NEED(pair.parent->Send(Note{.number = 1}).ok());
  pair.child.reset();
  NEED(RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); }));
  return 0;
}

// The kernel passes no io_uring on: what is queued with one, and behind it, is not sent.
int SendWhatCannotGo() {
  const auto ring = EventLoop::Create(EventLoop::Backend::kIoUring);
  if (!ring.ok()) return kNoIoUring;
  HotlinePair pair;
  while (pair.parent->queued_messages() == 0) NEED(pair.parent->Send(Note{.number = 1}).ok());
  Note note = {.number = 2, .file = Descriptor{}};
  note.file->fd.reset(fcntl((*ring)->fd(), F_DUPFD_CLOEXEC, 3));
  NEED(pair.parent->Send(note).ok());
  NEED(pair.parent->Call(GetAssistance{}, [](auto) {}).ok());
  NEED(pair.RunBoth([&] { return pair.parent->is_ended(); }));
  return 0;
}

int Refuse() {
  HotlinePair pair(EventLoop::Backend::kEpoll, {.max_queued_messages = 1});
  while (pair.parent->Send(Note{.number = 1}).ok()) {
  }
  return 0;
}

int NeverLaunch() {
  HotlineParent parent;
  parent.BeginEarly();
  NEED(parent.Send(Note{.number = 1}).ok());
  NEED(parent.Call(GetAssistance{}, [](auto) {}).ok());
  parent.EndEarly(absl::UnavailableError("never launched"));
  return 0;
}

int SendEarly() {
  HotlineParent parent;
  HotlineChild child;
  parent.BeginEarly();
  NEED(parent.Send(Note{.number = 1}).ok());
  const auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  auto pair = *CreateEndpoints<Hotline>({.pid = 1001}, {.pid = 1002});
  NEED(parent.Bind(*loop, std::move(pair.parent)).ok());
  NEED(child.Bind(*loop, std::move(pair.child)).ok());
  NEED(RunUntil(*loop, [&] { return !child.events.empty(); }));
  parent.Close();
  NEED(RunUntil(*loop, [&] { return child.is_ended(); }));
  return 0;
}

// One of whom a call is not answered, and a message unread, by one that is destroyed.
int Destroy() {
  HotlinePair pair;
  NEED(pair.parent->Call(GetAssistance{}, [](auto) {}).ok());
  NEED(pair.parent->Send(Note{.number = 1}).ok());
  pair.child.reset();
  NEED(RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); }));
  return 0;
}

int Drop() {
  HotlinePair pair;
  pair.child->DropMessages();
  NEED(pair.parent->Send(Note{.number = 1}).ok());
  pair.child_loop->Run(NowNanos() + kNanosPerMilli);
  pair.parent->Close();
  NEED(pair.RunBoth([&] { return pair.child->is_ended(); }));
  return 0;
}

int Ask() {
  HotlinePair pair;
  NEED(!pair.child->CallAndWait(AskParent{.question = "?"}, absl::ZeroDuration()).ok());
  NEED(pair.RunBoth([&] { return !pair.parent->events.empty(); }));
  pair.child_loop->Run(NowNanos() + kNanosPerMilli);
  pair.child->Close();
  NEED(pair.RunBoth([&] { return pair.parent->is_ended(); }));
  return 0;
}

int Wait() {
  HotlinePair pair;
  std::thread parent([&] { RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); }); });
  const bool is_answered =
      pair.child->CallAndWait(AskParent{.question = "?"}, absl::Seconds(20)).ok();
  pair.child->Close();
  parent.join();
  return is_answered ? 0 : 1;
}

// What no table knows.
int Pretend() {
  const auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  for (const Frame& frame :
       {Frame{.type = kFirstApplicationType + 12}, Frame{.type = kActorReply, .request_id = 7},
        Frame{.type = kActorYourPid}}) {
    SocketPair pair;
    NEED(CreateSocketPair(pair) == 0);
    NEED(SendPacket(pair.second.get(), Blocking::kNever, frame, {}, {}) == 0);
    HotlineParent parent;
    NEED(parent.Bind(*loop, std::move(pair.first)).ok());
    NEED(RunUntil(*loop, [&] { return parent.is_ended(); }));
  }
  return 0;
}

// A parent process that says what it calls its child.
int TellPid() {
  const auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  SocketPair pair;
  NEED(CreateSocketPair(pair) == 0);
  HotlineParent parent;
  HotlineChild child;
  NEED(child.Bind(*loop, std::move(pair.second), {.logged_peer_pid = 1001}).ok());
  NEED(parent.Bind(*loop, std::move(pair.first), {.peer_pid = 1002}).ok());
  NEED(parent.Send(Note{.number = 1}).ok());
  NEED(RunUntil(*loop, [&] { return !child.events.empty(); }));
  // The sender is not whom the parent takes it for.
  NEED(child.Send(Note{.number = 2}).ok());
  NEED(RunUntil(*loop, [&] { return parent.is_ended() && child.is_ended(); }));
  return 0;
}

int Main(std::string_view what) {
  if (what == "talk") return Talk();
  if (what == "deliver") return Deliver();
  if (what == "close full") return CloseFull();
  if (what == "lose the peer") return LoseThePeer();
  if (what == "send what cannot go") return SendWhatCannotGo();
  if (what == "refuse") return Refuse();
  if (what == "never launch") return NeverLaunch();
  if (what == "send early") return SendEarly();
  if (what == "destroy") return Destroy();
  if (what == "drop") return Drop();
  if (what == "ask") return Ask();
  if (what == "wait") return Wait();
  if (what == "pretend") return Pretend();
  if (what == "tell pid") return TellPid();
  return 255;
}

}  // namespace
}  // namespace forkserver

int main(int, char** argv) { return forkserver::Main(argv[1]); }
