#include "examples/browser_host/patience.h"

#include <utility>

#include "transceiver/clock.h"

namespace browser_host {

void Patience::Begin(absl::Duration time, std::function<void()> on_over) {
  End();
  tick_nanos_ = absl::ToInt64Nanoseconds(time) / kTicks;
  ticks_ = 0;
  on_over_ = std::move(on_over);
  timer_ = loop_.AddTimer(forkserver::NowNanos() + tick_nanos_, [this] { Tick(); });
}

void Patience::Tick() {
  timer_ = 0;
  if (++ticks_ > kTicks) return std::exchange(on_over_, nullptr)();
  // The last is due at once, which is after what the next wait finds readable.
  const int64_t wait = ticks_ < kTicks ? tick_nanos_ : 0;
  timer_ = loop_.AddTimer(forkserver::NowNanos() + wait, [this] { Tick(); });
}

void Patience::End() {
  if (timer_ != 0) loop_.CancelTimer(std::exchange(timer_, 0));
  on_over_ = nullptr;
}

}  // namespace browser_host
