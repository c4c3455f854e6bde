// Keeps this thread and another process on one processor for a while: for rows in which the two
// take turns, and where the kernel places them would be most of what is measured.
//
//     const OneProcessor both(child.process.pid());
//
// Best effort: where the affinity cannot be set it is as it was.
#ifndef BENCH_ONE_PROCESSOR_H_
#define BENCH_ONE_PROCESSOR_H_

#include <sched.h>
#include <sys/types.h>

namespace bench {

class OneProcessor {
 public:
  explicit OneProcessor(pid_t other) : other_(other) {
    if (sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    is_set_ = sched_setaffinity(0, sizeof(here), &here) == 0 &&
              sched_setaffinity(other_, sizeof(here), &here) == 0;
  }
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;
  ~OneProcessor() {
    if (!is_set_) return;
    sched_setaffinity(0, sizeof(before_), &before_);
    sched_setaffinity(other_, sizeof(before_), &before_);
  }

 private:
  const pid_t other_;
  cpu_set_t before_;
  bool is_set_ = false;
};

}  // namespace bench

#endif  // BENCH_ONE_PROCESSOR_H_
