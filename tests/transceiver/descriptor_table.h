// A process that is out of descriptors, for as long as this lives.
#ifndef TESTS_TRANSCEIVER_DESCRIPTOR_TABLE_H_
#define TESTS_TRANSCEIVER_DESCRIPTOR_TABLE_H_

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Leaves room for `free_slots` more descriptors: the limit is one on their numbers, and below the
// lowest free one all are taken.
class DescriptorTableWith {
 public:
  explicit DescriptorTableWith(rlim_t free_slots) {
    getrlimit(RLIMIT_NOFILE, &old_);
    const UniqueFd lowest_free(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    const rlimit low = {.rlim_cur = static_cast<rlim_t>(lowest_free.get()) + free_slots,
                        .rlim_max = old_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  }
  ~DescriptorTableWith() { setrlimit(RLIMIT_NOFILE, &old_); }

 private:
  rlimit old_;
};

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_DESCRIPTOR_TABLE_H_
