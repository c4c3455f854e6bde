#include "bench/actor_rows.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "bench/actor_protocol.h"
#include "bench/one_processor.h"
#include "bench/stopwatch.h"
#include "transceiver/actor/actor.h"
#include "transceiver/errno_status.h"
#include "transceiver/event_loop.h"

namespace bench {
namespace {

using forkserver::Actor;
using forkserver::EventLoop;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;
using forkserver::Side;

// A tenth of a second or so each.
constexpr int kSmallMessages = 20'000;
constexpr int kLargeMessages = 2'000;
// The raw packets have the bytes of the actor's fields, not of its frame.
constexpr size_t kRawLargeBytes = forkserver::kMaxMessageBytes;

class LineParent : public Actor<LineParent, Line, Side::kParent> {};
class ExchangeParent : public Actor<ExchangeParent, Exchange, Side::kParent> {};

double PerSecond(int count, const Stopwatch& watch) {
  return count * 1e9 / static_cast<double>(watch.Nanos());
}

}  // namespace

struct ActorRows::Ends {
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<LaunchedChild> actor_child;
  std::unique_ptr<LaunchedChild> raw_child;
  ExchangeParent exchange;
  LineParent line;
  std::vector<uint8_t> bytes = std::vector<uint8_t>(forkserver::kMaxMessageBytes);
};

ActorRows::ActorRows(forkserver::ForkServer& server, const RealisticPlan& plan)
    : server_(server), plan_(plan) {}
ActorRows::~ActorRows() = default;

absl::Status ActorRows::Prepare() {
  if (ends_ != nullptr) return absl::OkStatus();
  auto ends = std::make_unique<Ends>();
  const auto launch = [&](LaunchOptions options,
                          std::unique_ptr<LaunchedChild>& child) -> absl::Status {
    options.way = forkserver::LaunchWay::kTemplate;
    absl::StatusOr<LaunchedChild> launched = server_.Launch(options);
    if (!launched.ok()) return launched.status();
    child = std::make_unique<LaunchedChild>(*std::move(launched));
    return absl::OkStatus();
  };
  absl::Status status = launch(plan_.Actor(), ends->actor_child);
  status.Update(launch(plan_.RawSink(), ends->raw_child));
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(EventLoop::Backend::kPoll);
  status.Update(loop.status());
  auto pair = forkserver::CreateEndpoints<Line>({.pid = getpid()},
                                                {.pid = ends->actor_child->process.pid()});
  status.Update(pair.status());
  if (!status.ok()) return status;
  ends->loop = *std::move(loop);
  status.Update(ends->exchange.Bind(*ends->loop, std::move(ends->actor_child->socket)));
  status.Update(pair->parent.CheckSender());
  status.Update(ends->line.Bind(*ends->loop, std::move(pair->parent)));
  status.Update(ends->exchange.Send(Connect{.endpoint = std::move(pair->child)}));
  if (status.ok()) ends_ = std::move(ends);
  return status;
}

absl::StatusOr<double> ActorRows::Roundtrip() {
  absl::Status status;
  bool is_answered = false;
  const Stopwatch watch;
  status.Update(ends_->line.Call(Echo{.body = {{ends_->bytes.data(), kSmallBytes}}},
                                 [&](const absl::StatusOr<Echoed>& reply) {
                                   is_answered = true;
                                   status.Update(reply.status());
                                 }));
  while (status.ok() && !is_answered) ends_->loop->Run(forkserver::kNever);
  const double micros = watch.Micros();
  if (!status.ok()) return status;
  return micros;
}

absl::StatusOr<double> ActorRows::ActorRate(size_t bytes, int messages) {
  Swallow message = {.body = {{ends_->bytes.data(), bytes}}};
  const Stopwatch watch;
  for (int sent = 0; sent < messages;) {
    if (ends_->line.queued_messages() != 0) {
      bool has_room = false;
      ends_->line.OnRoom([&] { has_room = true; });
      while (!has_room && ends_->line.is_open()) ends_->loop->Run(forkserver::kNever);
    }
    if (absl::Status status = ends_->line.Send(message); !status.ok()) return status;
    ++sent;
  }
  // Until the last one has been handled.
  if (absl::StatusOr<double> answered = Roundtrip(); !answered.ok()) return answered.status();
  return PerSecond(messages, watch);
}

absl::StatusOr<double> ActorRows::RawRate(size_t bytes, int messages) {
  const int socket = ends_->raw_child->socket.get();
  char* const data = reinterpret_cast<char*>(ends_->bytes.data());
  const Stopwatch watch;
  for (int sent = 0; sent < messages; ++sent) {
    if (send(socket, data, bytes, MSG_NOSIGNAL) < 0) return forkserver::ErrnoStatus(errno, "send");
  }
  if (send(socket, data, 1, MSG_NOSIGNAL) != 1 || recv(socket, data, 1, 0) != 1) {
    return forkserver::ErrnoStatus(errno, "round trip to the sink");
  }
  return PerSecond(messages, watch);
}

std::vector<Row> ActorRows::Rows() {
  std::vector<Row> rows = {
      {"actor_roundtrip", "seqpacket_roundtrip", "us",
       "a call of 64 bytes and its reply over an endpoint, both ends in event loops",
       [this] { return Roundtrip(); }, Group::kPool},
      {"actor_roundtrip_alone", "seqpacket_roundtrip_alone", "us",
       "the same on one processor, with nothing launched in between",
       [this] {
         const OneProcessor both(ends_->actor_child->process.pid());
         return Roundtrip();
       },
       Group::kMessage},
      {"raw_throughput", "", "1/s", "packets of 64 bytes a second, blocking send and recv",
       [this] { return RawRate(kSmallBytes, kSmallMessages); }, Group::kRate},
      {"actor_throughput", "raw_throughput", "1/s", "messages of 64 bytes to an actor, a second",
       [this] { return ActorRate(kSmallBytes, kSmallMessages); }, Group::kRate},
      {"raw_throughput_64k", "", "1/s", "the raw socket with packets of 64 KiB",
       [this] { return RawRate(kRawLargeBytes, kLargeMessages); }, Group::kRate},
      {"actor_throughput_64k", "raw_throughput_64k", "1/s", "the actor with packets of 64 KiB",
       [this] { return ActorRate(kLargeBytes, kLargeMessages); }, Group::kRate},
  };
  for (Row& row : rows) row.prepare = [this] { return Prepare(); };
  return rows;
}

}  // namespace bench
