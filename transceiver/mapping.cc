#include "transceiver/mapping.h"

#include <errno.h>
#include <sys/mman.h>

namespace forkserver {

int Mapping::Map(size_t size, int protection, int flags, int fd) {
  Unmap();
  void* address = mmap(nullptr, size, protection, flags, fd, 0);
  if (address == MAP_FAILED) return errno;
  bytes_ = {static_cast<uint8_t*>(address), size};
  return 0;
}

void Mapping::Unmap() {
  if (bytes_.empty()) return;
  munmap(bytes_.data(), bytes_.size());
  bytes_ = {};
}

}  // namespace forkserver
