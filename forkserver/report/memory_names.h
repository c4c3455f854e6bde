// What the memory of a process is, by address, also where a freeze has put one memfd in the place
// of all that was there.
//
//     absl::StatusOr<MemoryNames> names = MemoryNames::Of(folder, pid);
//     const MemoryPlace place = names->At(address);   // {"libc.so.6", ".data"}, {"[heap]", ""}
//     names->VariableAt(address)                      // "main_arena"
//
// Nothing has to be kept of before the freeze: it replaces mappings in their places, and what was
// at a place can still be told.
//
// - A program or library is where its code is, which nobody freezes. Its file says at which
// distance
//   from that its sections lie (elf_image.h).
// - The heap begins at start_brk, of /proc/PID/stat, and goes on as long as mappings follow without
//   a gap.
// - What has a name still ([stack], a file) has that.
//
// All else is unnamed: large blocks of malloc, thread control blocks, whatever a program has mapped
// or named by PR_SET_VMA (a freeze loses that name). Nothing is guessed. This holds for a root that
// was exec'ed as for one that was forked.
//
// The file is believed if it is the one that is mapped, by device and inode; one that was replaced
// on disk, or that this process may not open, has a name and no sections.
//
// Owns a descriptor for each file. Threads: one at a time.
#ifndef FORKSERVER_REPORT_MEMORY_NAMES_H_
#define FORKSERVER_REPORT_MEMORY_NAMES_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/report/elf_image.h"
#include "forkserver/report/process_mappings.h"

namespace forkserver {

struct MemoryPlace {
  std::string of = {};       // "libc.so.6", "[heap]"; empty: unnamed
  std::string section = {};  // ".data"; empty: none, or not known

  // "libc.so.6 .data", "unnamed".
  std::string ToString() const;
};

class MemoryNames {
 public:
  // As it is now. `folder`: OpenProcFolder's. Fails where its mappings cannot be read.
  static absl::StatusOr<MemoryNames> Of(int folder, pid_t pid);

  const std::vector<ProcessMapping>& mappings() const { return mappings_; }
  // Null: nothing is there.
  const ProcessMapping* MappingAt(uintptr_t address) const;

  MemoryPlace At(uintptr_t address) const;
  // Of a whole page: what has most of it.
  MemoryPlace PageAt(uintptr_t page) const;
  // Empty: none that is known.
  std::string VariableAt(uintptr_t address);

 private:
  struct Loaded {
    std::string name;
    uint64_t bias;
    ElfImage image;
  };

  void FindHeap(int folder, pid_t pid);
  void FindImages(int folder);
  const Loaded* FindLoaded(uintptr_t address) const;
  MemoryPlace PlaceOf(uintptr_t address) const;

  std::vector<ProcessMapping> mappings_;
  std::vector<Loaded> loaded_;
  uintptr_t heap_start_ = 0;
  uintptr_t heap_end_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_MEMORY_NAMES_H_
