// What a launch asks of the kernel: the system calls of host, template and child, by name.
//
// A sampler that launches (bench/sampler_modes.h) runs under `strace -f`. It reads each request
// from its stdin, and the next one is sent when all is quiet again: so what lies between the first
// counted request and the end of its stdin is that many launches and nothing else, but for the
// reads and writes of the requests themselves, which are left out.
#ifndef BENCH_SYSCALLS_H_
#define BENCH_SYSCALLS_H_

#include <istream>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bench {

struct SyscallCount {
  int64_t host = 0;
  int64_t template_ = 0;
  int64_t child = 0;
};
using SyscallCounts = std::map<std::string, SyscallCount>;

// Counts by name what `trace` (the output of strace -f) holds after `warm_up` requests. The host
// is the process that comes first, the template the one that forks.
SyscallCounts CountSyscalls(std::istream& trace, int warm_up);

// Prints the calls of a launch. Unavailable: no strace.
absl::Status PrintSyscalls(int launches);

}  // namespace bench

#endif  // BENCH_SYSCALLS_H_
