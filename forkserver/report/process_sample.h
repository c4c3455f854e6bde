// What the kernel says of one process at one moment: /proc/PID/stat, smaps_rollup and fd.
//
//     const ProcessSample before = TakeProcessSample(pid);
//     ...
//     const ProcessSample after = TakeProcessSample(pid);
//     if (after.stat.ok()) Print(after.stat->minor_faults);      // else: after.stat.status()
//     CpuShare(before, after)                                    // 0.25: a quarter of a processor
//
// Each figure is there, or the reason why not, in one line: "open /proc/412/smaps_rollup: EACCES"
// (another user's process, or one that is not dumpable, without CAP_SYS_PTRACE), "openat
// /proc/412/stat: ESRCH" (it has ended and was reaped), "open /proc/412: ENOENT" (or there is no
// /proc), "pid 412: has ended, and is unreaped".
//
// One process: all files are opened below one descriptor of /proc/PID, which the kernel keeps for
// the process that had the pid when it was opened. A process that ends meanwhile has errors for
// what was not read yet, and a later one with its pid is never read. Whether that is the process
// which the caller meant only the caller knows: one whose pidfd it holds unreaped is; of others it
// compares SameProcess with an earlier sample.
//
// Price: mostly that of the memory, for which the kernel walks all page tables of the process: some
// 80 us in all for one like the browser host's, and 2 ms for each 100 MiB that are mapped in pages
// of 4 KiB (docs/process-reports.md). It is read in one go and cannot be cut short, so who samples
// large processes often leaves it out.
//
// Units: bytes, nanoseconds, and counts. Threads: any. Errors are the kernel's, in the figure.
#ifndef FORKSERVER_REPORT_PROCESS_SAMPLE_H_
#define FORKSERVER_REPORT_PROCESS_SAMPLE_H_

#include <stdint.h>
#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace forkserver {

// /proc/PID/stat; in brackets the number of the field in proc(5).
struct ProcessStat {
  std::string name = {};      // (2) at most 15 bytes, which the process may have chosen itself
  char state = '?';           // (3) R, S, D, T, t, Z
  pid_t parent = 0;           // (4)
  uint64_t minor_faults = 0;  // (10) of all threads, since the fork that made the process
  uint64_t major_faults = 0;  // (12) those that had to read from a disk
  int64_t user_nanos = 0;     // (14) in steps of 10 ms
  int64_t system_nanos = 0;   // (15)
  uint32_t threads = 0;       // (20)
  uint64_t started_at = 0;    // (22) in clock ticks since the boot

  int64_t cpu_nanos() const { return user_nanos + system_nanos; }
};

// /proc/PID/smaps_rollup, in bytes.
struct ProcessMemory {
  uint64_t resident = 0;      // Rss: what is mapped, whoever else maps it
  uint64_t proportional = 0;  // Pss: of a page that n processes map, an n-th
  uint64_t shared_clean = 0;  // mapped by others too
  uint64_t shared_dirty = 0;
  uint64_t private_clean = 0;  // by this one alone: it goes when the process does
  uint64_t private_dirty = 0;
  uint64_t swapped = 0;

  uint64_t shared_bytes() const { return shared_clean + shared_dirty; }
  uint64_t private_bytes() const { return private_clean + private_dirty; }
};

struct ProcessSample {
  pid_t pid = -1;
  int64_t taken_at = 0;  // NowNanos
  absl::StatusOr<ProcessStat> stat = absl::UnknownError("not read");
  absl::StatusOr<ProcessMemory> memory = absl::UnknownError("not read");
  absl::StatusOr<uint64_t> descriptors = absl::UnknownError("not read");
  absl::StatusOr<int64_t> uptime_nanos = absl::UnknownError("not read");  // also while suspended
};

enum class SampledMemory : uint8_t { kRead, kLeftOut };

ProcessSample TakeProcessSample(pid_t pid, SampledMemory memory = SampledMemory::kRead);

// Whether both are of one process, and not of two that had the same pid one after the other. False
// where one of them has no stat.
bool SameProcess(const ProcessSample& one, const ProcessSample& other);

// How many processors the process has kept busy between the two, 0.5 for a half. Nothing: they are
// not of one process, or were taken at one moment.
std::optional<double> CpuShare(const ProcessSample& before, const ProcessSample& after);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_PROCESS_SAMPLE_H_
