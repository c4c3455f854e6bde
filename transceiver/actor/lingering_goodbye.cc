#include "transceiver/actor/lingering_goodbye.h"

#include <errno.h>

#include <memory>
#include <utility>

#include "transceiver/actor/wire.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

constexpr int64_t kPatience = 5 * kNanosPerSecond;

// Owned by its timer, which the loop destroys with itself.
struct Goodbye {
  UniqueFd socket;
  EventLoop::WatchId watch = 0;
  EventLoop::TimerId timer = 0;
};

int TrySend(const UniqueFd& socket) {
  return SendPacket(socket.get(), Blocking::kNever, {.type = kActorGoodbye}, {}, {});
}

}  // namespace

int SendGoodbye(EventLoop& loop, UniqueFd socket) {
  const int error = TrySend(socket);
  if (error == EPIPE || error == ECONNRESET) return 0;
  if (error != EAGAIN) return error;
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

}  // namespace forkserver
