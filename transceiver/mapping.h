// An owned memory mapping.
//
//     Mapping mapping;
//     if (int error = mapping.Map(size, PROT_READ, MAP_PRIVATE, fd); error != 0) ...
//     use(mapping.bytes());                               // unmapped at the end of the scope
//
// Ownership: move-only; the destructor unmaps. Threads: as a pointer. After a fork: the child
// has the mapping too, unless it was advised otherwise. Does not allocate.
#ifndef TRANSCEIVER_MAPPING_H_
#define TRANSCEIVER_MAPPING_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <utility>

namespace forkserver {

class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    if (this != &other) {
      Unmap();
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { Unmap(); }

  // mmap(2) of `size` bytes; `fd` is -1 for anonymous memory. Returns 0 or the errno.
  int Map(size_t size, int protection, int flags, int fd);
  // At a multiple of `alignment`, which is a power of two and of whole pages. (mmap(2) by itself
  // does that for files in memory only where the kernel gives them huge pages of its own accord.)
  int MapAligned(size_t size, size_t alignment, int protection, int flags, int fd);
  void Unmap();
  // Gives it up: it stays mapped.
  std::span<uint8_t> Release() { return std::exchange(bytes_, {}); }

  std::span<uint8_t> bytes() const { return bytes_; }

 private:
  std::span<uint8_t> bytes_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_MAPPING_H_
