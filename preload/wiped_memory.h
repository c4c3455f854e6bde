// Memory of a template, or of any process, that its children find zeroed.
//
//     static WipedMemory key = *WipedMemory::Create(32);      // in a warm-up
//     DeriveKey(key.bytes());                                  // the template has it
//     ...                                                      // a child sees 32 zeroes
//
// For secrets that only the process has use for that made them, and for generators' states: a
// generator in it that finds its "seeded" mark zeroed knows that it was forked, whichever way, a
// raw clone3 and a repeated pid included. Each fork wipes, so a nested template finds it zeroed
// too; what a child writes there is its own.
//
// It is MADV_WIPEONFORK (Linux 4.14), which holds for private anonymous memory only, and in whole
// pages. So the freeze leaves it out and lists it as "wiped on fork" in the FreezeReport, and each
// fork pays for its few pages as for those of an ordinary heap. It may be swapped out and is in
// core dumps.
//
// Ownership: move-only; the destructor unmaps. The child has the mapping, empty, and an owner of
// its own. Threads: as plain memory.
#ifndef PRELOAD_WIPED_MEMORY_H_
#define PRELOAD_WIPED_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "transceiver/mapping.h"

namespace forkserver {

class WipedMemory {
 public:
  // Zeroes. Fails as mmap(2) and madvise(2) do: EINVAL where the kernel has no MADV_WIPEONFORK.
  static absl::StatusOr<WipedMemory> Create(size_t size);

  std::span<uint8_t> bytes() const { return mapping_.bytes(); }

 private:
  explicit WipedMemory(Mapping mapping) : mapping_(std::move(mapping)) {}

  Mapping mapping_;
};

}  // namespace forkserver

#endif  // PRELOAD_WIPED_MEMORY_H_
