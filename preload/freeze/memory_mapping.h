// The mappings of a process, as /proc/PID/smaps tells them, in plain structs.
//
//     SmapsReader reader(smaps_fd, buffer);
//     MemoryMapping mapping;
//     while (reader.Next(mapping) == SmapsReader::kMapping) ...
//
// Allocates nothing and keeps nothing but the caller's buffer: the freeze reads the mappings that
// malloc lives in, so what it reads must not change them. Anything in a line that is not known is
// passed over, since kernels add lines and flags.
#ifndef PRELOAD_FREEZE_MEMORY_MAPPING_H_
#define PRELOAD_FREEZE_MEMORY_MAPPING_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string_view>

namespace forkserver {

// Those of smaps' VmFlags that the freeze asks about. proc_pid_smaps(5) has the two letters.
enum MappingFlag : uint32_t {
  kGrowsDown = 1 << 0,      // gd
  kDevicePages = 1 << 1,    // pf, mm, io: pages without a struct page, or of a device
  kLocked = 1 << 2,         // lo
  kDontFork = 1 << 3,       // dc
  kDontDump = 1 << 4,       // dd
  kWipeOnFork = 1 << 5,     // wf
  kHugetlb = 1 << 6,        // ht
  kUserfaultfd = 1 << 7,    // um, uw, ui
  kSealedMapping = 1 << 8,  // sl: mseal(2)
  kShadowStack = 1 << 9,    // ss
  kNoReserve = 1 << 10,     // nr
};

struct MemoryMapping {
  uintptr_t start;
  uintptr_t end;
  int protection;  // PROT_READ and so on
  bool shared;
  bool file_backed;
  uint32_t flags;  // of MappingFlag
  uint32_t protection_key;
  // Of this process alone: in memory, and swapped out. Pages of zeroes that were only read are in
  // neither.
  uint64_t anonymous_bytes;
  uint64_t swapped_bytes;
  char name[64];  // the end of the path, which says more than its beginning; may be empty

  size_t size() const { return end - start; }
  bool Contains(uintptr_t address) const { return start <= address && address < end; }
};

class SmapsReader {
 public:
  // `fd` is /proc/PID/smaps and stays the caller's; `buffer` holds at least one line (4 KiB).
  SmapsReader(int fd, std::span<char> buffer) : fd_(fd), buffer_(buffer) {}

  enum Result : int { kMapping = 1, kEnd = 0 };
  // kMapping, kEnd, or minus the errno of a read that failed.
  int Next(MemoryMapping& mapping);

 private:
  // The next line without its newline. False at the end and for an error.
  bool Line(std::string_view& line);

  int fd_;
  std::span<char> buffer_;
  size_t begin_ = 0;  // what is read and not yet taken
  size_t end_ = 0;
  MemoryMapping next_ = {};  // its first line has been read, to see where the last one ended
  bool has_next_ = false;
  int error_ = 0;
};

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_MEMORY_MAPPING_H_
