// Sums of what others have counted or timed, which may be anything: at most the type's last number,
// and never less for having more added.
#ifndef FORKSERVER_REPORT_SATURATING_H_
#define FORKSERVER_REPORT_SATURATING_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace forkserver {

inline void AddSaturating(uint64_t& sum, uint64_t n) {
  if (__builtin_add_overflow(sum, n, &sum)) sum = UINT64_MAX;
}

inline int64_t SumSaturating(int64_t one, int64_t other) {
  int64_t sum;
  if (!__builtin_add_overflow(one, other, &sum)) return sum;
  return other < 0 ? INT64_MIN : INT64_MAX;
}

// Each to each; `sums` grows to the size of `more`.
inline void AddSaturating(std::vector<uint64_t>& sums, const std::vector<uint64_t>& more) {
  if (sums.size() < more.size()) sums.resize(more.size());
  for (size_t i = 0; i < more.size(); ++i) AddSaturating(sums[i], more[i]);
}

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_SATURATING_H_
