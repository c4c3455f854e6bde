// What a template does once so that its children need not: an ordered list of named steps,
// each timed and weighed.
//
//     const std::vector<WarmUp> warm_ups = {
//         {"public suffix list", [] { return LoadSuffixes(); }},
//         {"fonts", [] { return OpenFonts(); }},
//     };
//     std::vector<WarmUpReport> report = RunWarmUps(warm_ups);
//
// A step that fails is reported and the next one runs: a template without one warm thing is
// still a template. A step may allocate, open files and call anything; it must not leave a
// thread behind (the template refuses to fork then and names the thread), and what it leaves
// open is closed in every child whose Plan does not name it.
#ifndef PRELOAD_WARM_UP_H_
#define PRELOAD_WARM_UP_H_

#include <stdint.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace forkserver {

struct WarmUp {
  std::string name;
  std::function<absl::Status()> run;
};

struct WarmUpReport {
  std::string name;
  int64_t started_at = 0;  // NowNanos
  int64_t nanos = 0;
  // What the process grew by: anonymous memory, page tables, open descriptors.
  int64_t anonymous_kib = 0;
  int64_t page_table_kib = 0;
  int64_t descriptors = 0;
  // Empty, or why it failed.
  std::string error;
};

std::vector<WarmUpReport> RunWarmUps(std::span<const WarmUp> warm_ups);

}  // namespace forkserver

#endif  // PRELOAD_WARM_UP_H_
