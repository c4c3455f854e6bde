#include "forkserver/host/restart_policy.h"

#include <algorithm>
#include <utility>

#include "transceiver/clock.h"

namespace forkserver {

absl::Status CheckRestartOptions(const RestartOptions& options) {
  const auto refuse = [](const char* what) { return absl::InvalidArgumentError(what); };
  if (options.first_delay < absl::ZeroDuration()) {
    return refuse("start: restart: first_delay is below zero");
  }
  if (options.longest_delay < options.first_delay) {
    return refuse("start: restart: longest_delay is shorter than first_delay");
  }
  if (!(options.jitter >= 0 && options.jitter <= 1)) {
    return refuse("start: restart: jitter is not from 0 to 1");
  }
  if (options.settled_after < absl::ZeroDuration()) {
    return refuse("start: restart: settled_after is below zero");
  }
  if (options.most_deaths < 0) return refuse("start: restart: most_deaths is below zero");
  if (options.longest_silence <= absl::ZeroDuration()) {
    return refuse("start: restart: longest_silence is not above zero");
  }
  if (options.longest_start <= absl::ZeroDuration()) {
    return refuse("start: restart: longest_start is not above zero");
  }
  return absl::OkStatus();
}

absl::Duration RestartPolicy::Delay() const {
  if (deaths_ < 2) return absl::ZeroDuration();
  absl::Duration delay = options_.first_delay;
  // Until it is long enough: a power of the number of deaths would be more than a double holds.
  for (int i = 2; i < deaths_ && delay < options_.longest_delay; ++i) {
    if (delay == absl::ZeroDuration()) return delay;
    delay *= 2;
  }
  return std::min(delay, options_.longest_delay);
}

void RestartPolicy::OnDeath(int64_t now, double random) {
  const int64_t since = std::exchange(serving_since_, 0);
  const bool had_settled =
      since != 0 && now >= DeadlineAfter(since, absl::ToInt64Nanoseconds(options_.settled_after));
  deaths_ = had_settled ? 1 : deaths_ + 1;
  if (is_given_up()) {
    may_start_at_ = kNever;
    return;
  }
  const double kept = 1 - options_.jitter * std::clamp(random, 0.0, 1.0);
  may_start_at_ = DeadlineAfter(now, absl::ToInt64Nanoseconds(Delay() * kept));
}

}  // namespace forkserver
