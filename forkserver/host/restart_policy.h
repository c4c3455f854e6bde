// When a template that died may be started again.
//
//     RestartPolicy policy({.first_delay = absl::Milliseconds(100)});
//     policy.OnServing(NowNanos());
//     policy.OnDeath(NowNanos(), random);            // random: from 0 to 1
//     if (NowNanos() >= policy.may_start_at()) ...start it...
//
// The first death after a good time costs nobody a wait: the template may be started again at once.
// What dies again soon is backed off from: the second death in a row waits for `first_delay`, and
// each further one twice as long as the one before, up to `longest_delay`. Jitter shortens each
// wait by a random part, so that templates (and hosts) that died of one cause do not all come back
// in one moment. One that has served for `settled_after` starts from the beginning. After
// `most_deaths` in a row it is given up: its launches stay on exec (safe mode).
//
// Pure: clock and random numbers are given. Threads: those of the loop.
#ifndef FORKSERVER_HOST_RESTART_POLICY_H_
#define FORKSERVER_HOST_RESTART_POLICY_H_

#include <stdint.h>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace forkserver {

struct RestartOptions {
  // From the second death in a row to the next start; zero: a dead template is always started
  // again at once.
  absl::Duration first_delay = absl::Milliseconds(100);
  absl::Duration longest_delay = absl::Seconds(30);
  // The largest part of a delay that is left out, 0 to 1.
  double jitter = 0.25;
  // A template that served that long before it died died for the first time.
  absl::Duration settled_after = absl::Seconds(10);
  // In a row; the defaults come to it within some 6 s of use. 0: it is never given up.
  int most_deaths = 8;
  // One that owes an answer and is silent for that long (it was stopped, or is caught in a loop) is
  // killed, and so has died; half as long again may pass before that is seen. Below the timeout of
  // launches, so that those in flight can be sent again within it. InfiniteDuration where templates
  // are held in a debugger.
  absl::Duration longest_silence = absl::Seconds(5);
  // The same of its start, from the fork to the end of its warm-ups.
  absl::Duration longest_start = absl::Seconds(60);
};

// InvalidArgument: a duration or a number below zero, a first delay longer than the longest, a
// jitter outside of 0 to 1; it is named.
absl::Status CheckRestartOptions(const RestartOptions& options);

// Of one template in one layout.
class RestartPolicy {
 public:
  explicit RestartPolicy(const RestartOptions& options) : options_(options) {}

  // In nanoseconds of NowNanos, as all times here.
  void OnServing(int64_t now) { serving_since_ = now; }
  // It died, or its start failed. `random`: from 0 to 1.
  void OnDeath(int64_t now, double random);

  // 0, or what is past: now. kNever: it is given up.
  int64_t may_start_at() const { return may_start_at_; }
  bool is_given_up() const { return options_.most_deaths > 0 && deaths_ >= options_.most_deaths; }
  // In a row, none of them settled.
  int deaths() const { return deaths_; }

 private:
  absl::Duration Delay() const;

  const RestartOptions options_;
  int deaths_ = 0;
  int64_t serving_since_ = 0;  // 0: it does not
  int64_t may_start_at_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_RESTART_POLICY_H_
