#include "forkserver/host/silence_watch.h"

#include <algorithm>

#include "transceiver/clock.h"

namespace forkserver {

void SilenceWatch::Begin(absl::Duration longest) {
  if (timer_ != 0 || longest == absl::InfiniteDuration()) return;
  interval_ = std::max<int64_t>(absl::ToInt64Nanoseconds(longest) / 2, kNanosPerMilli);
  is_heard_ = false;
  silent_looks_ = 0;
  is_ended_ = false;
  LookLater();
}

void SilenceWatch::End() {
  is_ended_ = true;
  if (timer_ != 0) loop_.CancelTimer(std::exchange(timer_, 0));
}

void SilenceWatch::LookLater() {
  timer_ = loop_.AddTimer(DeadlineAfter(NowNanos(), interval_), [this] {
    timer_ = 0;
    Look();
  });
}

void SilenceWatch::Look() {
  if (!handlers_.is_owed()) return;
  // What was read to know that has ended it, or begun it anew.
  if (is_ended_ || timer_ != 0) return;
  silent_looks_ = std::exchange(is_heard_, false) ? 0 : silent_looks_ + 1;
  if (silent_looks_ >= 2) return handlers_.on_silence();
  LookLater();
}

}  // namespace forkserver
