// The child side in a process of its own, on descriptor 3. What it does after its Note says who it
// is is its argument.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

#include "tests/transceiver/actor/hotline.h"

namespace forkserver {
namespace {

int Main(std::string_view what) {
  auto loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  HotlineChild child;
  if (!child.Bind(*loop, UniqueFd(3), {.goodbye_waits = GoodbyeWaits::kInClose}).ok()) return 2;
  // Whatever it does, it was asked to.
  if (!RunUntil(*loop, [&] { return !child.events.empty(); })) return 2;
  if (!child.Send(Note{.number = 1}).ok()) return 2;
  if (what == "exit") exit(0);
  if (what == "die") raise(SIGKILL);
  if (what == "close") {
    child.Close();
    return 0;
  }
  if (what == "close full") {
    // As many as the socket has room for, and one that is lost with the queue.
    for (uint32_t number = 2; child.queued_messages() == 0; ++number) {
      if (!child.Send(Note{.number = number}).ok()) return 2;
    }
    child.Close();
    return child.events.back() == "end normal" ? 0 : 1;
  }
  if (what == "wait") {
    return child.CallAndWait(AskParent{.question = "q"}, absl::Seconds(20)).ok() ? 0 : 1;
  }
  // What it is not to do: send as somebody else.
  const pid_t pid = fork();
  if (pid == 0) _exit(child.Send(Note{.number = 2}).ok() ? 0 : 1);
  waitpid(pid, nullptr, 0);
  RunUntil(*loop, [&] { return child.is_ended(); });
  return 0;
}

}  // namespace
}  // namespace forkserver

int main(int, char** argv) { return forkserver::Main(argv[1]); }
