// A token bucket: what somebody may do a few times at once, and so often in the long run.
//
//     TokenBucket opens;
//     if (!opens.Take({.burst = 20, .per_second = 10}, NowNanos())) refuse();
//
// Full at its first use. Threads: as a value.
#ifndef TRANSCEIVER_TOKEN_BUCKET_H_
#define TRANSCEIVER_TOKEN_BUCKET_H_

#include <stdint.h>

#include <algorithm>

#include "transceiver/clock.h"

namespace forkserver {

struct TokenRate {
  uint32_t burst = 1;
  uint32_t per_second = 1;  // 0: the burst is all there ever is
};

class TokenBucket {
 public:
  // `now`: of NowNanos; an earlier one than before counts as that. False: none is left.
  bool Take(const TokenRate& rate, int64_t now) {
    const int64_t price = kNanosPerSecond / std::max<int64_t>(rate.per_second, 1);
    const int64_t most = price * rate.burst;
    if (!is_started_) {
      is_started_ = true;
      credit_nanos_ = most;
    } else if (rate.per_second != 0) {
      credit_nanos_ = std::min(most, credit_nanos_ + std::max<int64_t>(now - last_, 0));
    }
    last_ = now;
    if (credit_nanos_ < price) return false;
    credit_nanos_ -= price;
    return true;
  }

 private:
  bool is_started_ = false;
  int64_t credit_nanos_ = 0;
  int64_t last_ = 0;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_TOKEN_BUCKET_H_
