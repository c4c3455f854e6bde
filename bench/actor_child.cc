#include "bench/actor_child.h"

#include <sys/socket.h>

#include <memory>
#include <utility>

#include "bench/actor_protocol.h"
#include "transceiver/actor/actor.h"
#include "transceiver/event_loop.h"

namespace bench {
namespace {

using forkserver::Actor;
using forkserver::ActorEnd;
using forkserver::EventLoop;
using forkserver::Resolver;
using forkserver::Side;

class LineChild : public Actor<LineChild, Line, Side::kChild> {
 public:
  absl::Status Receive(Echo& message, Resolver<Echoed> resolver) {
    return resolver.Resolve({.body = message.body.data});
  }
  absl::Status Receive(Swallow&) { return absl::OkStatus(); }
};

class ExchangeChild : public Actor<ExchangeChild, Exchange, Side::kChild> {
 public:
  explicit ExchangeChild(EventLoop& loop) : loop_(loop) {}

  absl::Status Receive(Connect& message) { return line_.Bind(loop_, std::move(message.endpoint)); }
  void ActorDestroy(const ActorEnd&) override { is_over_ = true; }

  bool is_over() const { return is_over_; }

 private:
  EventLoop& loop_;
  LineChild line_;
  bool is_over_ = false;
};

}  // namespace

int RunActorChild(forkserver::UniqueFd launch_socket) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(EventLoop::Backend::kPoll);
  if (!loop.ok()) return 1;
  ExchangeChild exchange(**loop);
  if (!exchange.Bind(**loop, std::move(launch_socket)).ok()) return 1;
  while (!exchange.is_over()) (*loop)->Run(forkserver::kNever);
  return 0;
}

int RunRawSink(int socket) {
  const auto buffer = std::make_unique<char[]>(forkserver::kMaxMessageBytes);
  for (;;) {
    const ssize_t size = recv(socket, buffer.get(), forkserver::kMaxMessageBytes, 0);
    if (size <= 0) return 0;
    if (size == 1 && send(socket, buffer.get(), 1, MSG_NOSIGNAL) != 1) return 0;
  }
}

}  // namespace bench
