// What this process and the processes that it watches hold of the machine, to be compared with what
// they held before:
//
//     absl::StatusOr<Census> opening = TakeCensus({{"host", getpid()}, {"root", root_pid}});
//     ...
//     for (const std::string& line : Differences(*opening, *closing, kCensusBounds)) ...
//
// Counted are, of each watched process, the descriptors by what they are of ("socket",
// "anon_inode:[pidfd]", a path), the mappings (lines of /proc/PID/maps) and the memory (Rss of
// /proc/PID/smaps_rollup, which is exact, where statm lags behind by pages for each processor); and
// all living and dead processes below this one that are not watched, children of the watched ones
// among them. The broker is threads of the host: what it holds is the host's.
// A process whose parent ended belongs to init and is seen here only if this one is a subreaper.
//
// Threads: the answer is of one moment only where nothing else opens, maps or launches meanwhile.
#ifndef TESTS_SOAK_CENSUS_H_
#define TESTS_SOAK_CENSUS_H_

#include <stdint.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace forkserver::soak {

struct WatchedProcess {
  std::string name;
  pid_t pid = 0;
};

struct Holdings {
  std::map<std::string, int> descriptors;  // how many of each kind
  int mappings = 0;
  int64_t rss_kib = 0;
};

struct Census {
  std::map<pid_t, std::string> strays;  // "pid 412 (soak-child, state Z), child of 400"
  std::map<std::string, Holdings> watched;
  // Of this process's heap, what malloc has given out (mallinfo2); 0 with a sanitizer's malloc.
  int64_t heap_bytes = 0;
};

// How much more than at the opening census is no leak.
struct CensusBounds {
  int mappings = 0;
  int64_t rss_kib = 0;
  int64_t heap_bytes = 0;
};

// Fails where a watched process is not there any more, naming the file.
absl::StatusOr<Census> TakeCensus(const std::vector<WatchedProcess>& watched);

// A line for each thing that there is more of at the close ("descriptors: host: socket: 5, now 6"),
// for descriptors that are fewer too, and for each process that nobody watches, whenever it came.
std::vector<std::string> Differences(const Census& opening, const Census& closing,
                                     const CensusBounds& bounds);

// Descriptors that the watched of `closing` have and those of `opening` had not, added up.
int LeakedDescriptors(const Census& opening, const Census& closing);

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_CENSUS_H_
