// A child that counts as its first argument says; the table of its metrics is here too.
//
//     forever N [THREADS]  adds 1 to kTicks, THREADS times at once (1), each of them N times, and
//                          after each add to its own word of Tally; sends a byte when it begins,
//                          and one when it is done; then waits for the host to hang up
//     kill N               adds 1 to kTicks N times and kills itself by SIGKILL
//     crash N              the same, and writes where nothing is mapped
//     record N             records 0 to N - 1 in kSizes, and ends
//     events N             says N events, "event 0" and so on; a byte to the host; then, for each
//                          byte from the host, N more and a byte
//     misuse               adds to what is no counter
//     lie                  fills its whole area with ones
//     refused              asks for what its sandbox refuses
#ifndef TESTS_FORKSERVER_REPORT_COUNTING_PROGRAM_H_
#define TESTS_FORKSERVER_REPORT_COUNTING_PROGRAM_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <vector>

#include "child/child_program.h"
#include "child/telemetry/metric_table.h"

namespace forkserver::testing {

enum Metric : MetricId { kTicks, kSizes, kSaid };

std::vector<MetricRow> CountingMetrics();

// In a memfd that is the child's descriptor kTallyFd: each thread writes the number of its add
// before it in `begun`, and after it in `done`.
struct Tally {
  static constexpr size_t kMostThreads = 8;
  struct alignas(64) Words {
    std::atomic<uint64_t> begun;
    std::atomic<uint64_t> done;
  };
  Words threads[kMostThreads];
};
inline constexpr int kTallyFd = 10;

class CountingProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_REPORT_COUNTING_PROGRAM_H_
