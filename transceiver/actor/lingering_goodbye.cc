#include "transceiver/actor/lingering_goodbye.h"

#include <errno.h>
#include <poll.h>

#include <memory>
#include <utility>

#include "transceiver/actor/wire.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"
#include "transceiver/poll_until.h"

namespace forkserver {
namespace {

constexpr int64_t kPatience = 5 * kNanosPerSecond;

// Owned by its timer, which the loop destroys with itself.
struct Goodbye {
  UniqueFd socket;
  EventLoop::WatchId watch = 0;
  EventLoop::TimerId timer = 0;
};

// A peer that is gone wants none.
int TrySend(const UniqueFd& socket) {
  const int error = SendPacket(socket.get(), Blocking::kNever, {.type = kActorGoodbye}, {}, {});
  return error == EPIPE || error == ECONNRESET ? 0 : error;
}

}  // namespace

int SendGoodbye(EventLoop& loop, UniqueFd socket) {
  if (const int error = TrySend(socket); error != EAGAIN) return error;
  const auto goodbye = std::make_shared<Goodbye>();
  goodbye->socket = std::move(socket);
  absl::StatusOr<EventLoop::WatchId> watch = loop.Watch(
      goodbye->socket.get(), EPOLLOUT, [&loop, weak = std::weak_ptr<Goodbye>(goodbye)](uint32_t) {
        const std::shared_ptr<Goodbye> goodbye = weak.lock();
        if (goodbye == nullptr || TrySend(goodbye->socket) == EAGAIN) return;
        loop.Unwatch(goodbye->watch);
        loop.CancelTimer(goodbye->timer);
      });
  if (!watch.ok()) return EAGAIN;
  goodbye->watch = *watch;
  goodbye->timer =
      loop.AddTimer(NowNanos() + kPatience, [&loop, goodbye] { loop.Unwatch(goodbye->watch); });
  return 0;
}

int SendGoodbyeAndWait(UniqueFd socket) {
  const int64_t deadline = NowNanos() + kPatience;
  for (;;) {
    if (const int error = TrySend(socket); error != EAGAIN) return error;
    const int ready = PollUntil(socket.get(), POLLOUT, deadline);
    if (ready <= 0) return ready == 0 ? ETIMEDOUT : -ready;
  }
}

}  // namespace forkserver
