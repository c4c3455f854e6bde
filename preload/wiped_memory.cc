#include "preload/wiped_memory.h"

#include <errno.h>
#include <sys/mman.h>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {

absl::StatusOr<WipedMemory> WipedMemory::Create(size_t size) {
  Mapping mapping;
  if (const int error = mapping.Map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
      error != 0) {
    return ErrnoStatus(error, absl::StrFormat("mmap %d bytes to be wiped on fork", size));
  }
  if (madvise(mapping.bytes().data(), size, MADV_WIPEONFORK) != 0) {
    return ErrnoStatus(errno, "madvise MADV_WIPEONFORK");
  }
  return WipedMemory(std::move(mapping));
}

}  // namespace forkserver
