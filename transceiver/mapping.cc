#include "transceiver/mapping.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

namespace forkserver {
namespace {

// Bytes of the whole pages that so many bytes are mapped in.
size_t PagesOf(size_t bytes) {
  const size_t page = static_cast<size_t>(getpagesize());
  return (bytes + page - 1) / page * page;
}

}  // namespace

int Mapping::Map(size_t size, int protection, int flags, int fd) {
  Unmap();
  void* address = mmap(nullptr, size, protection, flags, fd, 0);
  if (address == MAP_FAILED) return errno;
  bytes_ = {static_cast<uint8_t*>(address), size};
  return 0;
}

int Mapping::MapAligned(size_t size, size_t alignment, int protection, int flags, int fd) {
  // Somewhere in a reservation of addresses; what is left of that on both sides is given back.
  Mapping reserved;
  constexpr int kAddressesOnly = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const int error = reserved.Map(size + alignment, PROT_NONE, kAddressesOnly, -1);
  if (error != 0) return error;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(reserved.bytes().data());
  const size_t before = (alignment - begin % alignment) % alignment;
  uint8_t* const aligned = reserved.bytes().data() + before;
  if (mmap(aligned, size, protection, flags | MAP_FIXED, fd, 0) == MAP_FAILED) return errno;
  const std::span<uint8_t> all = reserved.Release();
  const size_t pages = PagesOf(size);
  if (before != 0) munmap(all.data(), before);
  munmap(aligned + pages, all.size() - before - pages);
  Unmap();
  bytes_ = {aligned, size};
  return 0;
}

void Mapping::Unmap() {
  if (bytes_.empty()) return;
  munmap(bytes_.data(), bytes_.size());
  bytes_ = {};
}

}  // namespace forkserver
