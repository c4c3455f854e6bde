// Which descriptors this process has open, for a target whose every input has to leave as many as
// it found:
//
//     const DescriptorCensus census;
//     ...
//     census.RequireSame();
//
// One call of poll instead of a walk through /proc, which would be most of an input's time. It sees
// the numbers below kMost: an input opens fewer.
#ifndef TESTS_FUZZ_DESCRIPTOR_CENSUS_H_
#define TESTS_FUZZ_DESCRIPTOR_CENSUS_H_

#include <poll.h>
#include <stddef.h>

#include <array>

#include "tests/fuzz/require.h"

namespace forkserver {

class DescriptorCensus {
 public:
  DescriptorCensus() : open_(Count()) {}

  void RequireSame() const { Require(Count() == open_); }

 private:
  static constexpr size_t kMost = 256;

  static size_t Count() {
    std::array<pollfd, kMost> all;
    for (size_t i = 0; i < kMost; ++i)
      all[i] = {.fd = static_cast<int>(i), .events = 0, .revents = 0};
    Require(poll(all.data(), all.size(), 0) >= 0);
    size_t open = 0;
    for (const pollfd& each : all) open += (each.revents & POLLNVAL) == 0;
    return open;
  }

  const size_t open_;
};

}  // namespace forkserver

#endif  // TESTS_FUZZ_DESCRIPTOR_CENSUS_H_
