// Which of a template's memory its children have pages of their own of: what the sharing costs, and
// which code costs it.
//
//     DirtiedMemory memory = MeasureDirtiedMemory(template_pid, children);
//     for (const DirtiedRegion& one : memory.regions) ...       // most first
//     puts(ToText(memory, "Template content", 100).c_str());
//
//     Template content: 9 processes have 864K of its memory for themselves; read in 1.9 ms
//        424K in 9   [heap]                       147K changed
//         68K in 9   libc.so.6 .bss                18 changed: __curbrk 18
//
// A page counts that a child has for itself alone where the template has memory too: it has written
// there (or the template has, which a frozen one does not). What a child has mapped since, its own
// memory altogether, is none of the template's and does not count. Names are those of
// MemoryNames; memory that has none is told by its address.
//
// What has changed is seen by comparing the bytes of both: a page that was copied for eight bytes
// says so, and variables of libraries that are known by name are told. It is the state of the
// moment: what was written and put back has a page and no change, and a template that is not frozen
// may have changed by itself.
//
// A child that was forked by an earlier process of the template (it was started again) has other
// frozen memory: that is seen, and it is left out with a word.
//
// Price: the kernel walks the page tables of each child (its smaps), and each dirtied page is read
// twice: half a millisecond for a child like the browser host's. Bounds: kMostComparedPages of each
// child are compared, and of one that cannot be scanned (before Linux 6.7) kMostExaminedPages are
// looked at; where a bound was met, the report says so. In a frozen template the pages that are
// read are mapped from then on; nothing is written there.
// Rights: those of ptrace(2)'s PTRACE_MODE_ATTACH over template and children, as root has them;
// without, the sizes may be there and the changes are not.
// Pids: unreaped. Threads: any. Allocates.
#ifndef FORKSERVER_REPORT_DIRTIED_MEMORY_H_
#define FORKSERVER_REPORT_DIRTIED_MEMORY_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

namespace forkserver {

inline constexpr size_t kMostComparedPages = 4096;
inline constexpr size_t kMostExaminedPages = size_t{4} << 20;

// A variable in it.
struct DirtiedVariable {
  std::string name = {};
  uint64_t changed_bytes = 0;  // in all children together
};

struct DirtiedRegion {
  std::string of = {};       // "libc.so.6", "[heap]"; empty: unnamed
  std::string section = {};  // ".data"; empty
  uintptr_t start = 0;       // of an unnamed one: the template's mapping
  uintptr_t end = 0;
  size_t children = 0;         // that have pages of it
  uint64_t dirtied_bytes = 0;  // whole pages, of all children together
  uint64_t swapped_bytes = 0;  // of these
  uint64_t compared_bytes = 0;
  uint64_t changed_bytes = 0;                   // of what was compared
  std::vector<DirtiedVariable> variables = {};  // those with most changes, eight at most

  // "libc.so.6 .data", "unnamed 7f1200000000-7f1200400000".
  std::string Name() const;
};

struct DirtiedMemory {
  pid_t template_pid = -1;
  size_t children = 0;  // that were looked at
  uint64_t dirtied_bytes = 0;
  std::vector<DirtiedRegion> regions = {};  // most first
  // Where a child has other memory than the template had.
  uint64_t replaced_bytes = 0;
  int64_t took_nanos = 0;
  // Who was left out, and what of others: "pid 412: openat /proc/412/smaps: EACCES".
  std::vector<std::string> missing = {};
};

DirtiedMemory MeasureDirtiedMemory(pid_t template_pid, std::span<const pid_t> children);

// Lines of at most `width` columns (0: any), of the `most` largest regions.
std::string ToText(const DirtiedMemory& memory, const std::string& template_name, size_t width = 0,
                   size_t most = 12);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_DIRTIED_MEMORY_H_
