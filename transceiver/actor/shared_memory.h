// A field that is memory which both processes have.
//
//     absl::StatusOr<SealedMemory> page = SealedMemory::Create("page", bytes);
//     actor.Send(ShowPage{.page = *std::move(page)});
//     ...
//     Mapping mapping;                                          // the receiver
//     if (int error = message.page.Map(mapping); error != 0) ...
//
// SealedMemory cannot change any more: what was checked once stays so. WritableMemory both sides
// write to at any time: copy out first, then check the copy. Neither can be cut short by the peer
// (F_SEAL_SHRINK), so touching it is no SIGBUS; a receiver checks that, the announced size and that
// it is memory of tmpfs, before a handler sees it.
//
// Ownership: move-only; owns the descriptor. Sending borrows it. A mapping outlives it.
#ifndef TRANSCEIVER_ACTOR_SHARED_MEMORY_H_
#define TRANSCEIVER_ACTOR_SHARED_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "transceiver/actor/codec.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

enum class MemoryAccess : uint8_t { kSealed, kWritable };

// A memfd and its size, as told and as checked.
class SharedMemory {
 public:
  bool is_open() const { return fd_.is_open(); }
  int fd() const { return fd_.get(); }
  size_t size() const { return size_; }

 protected:
  SharedMemory() = default;
  SharedMemory(UniqueFd fd, size_t size) : fd_(std::move(fd)), size_(size) {}

  int Map(MemoryAccess access, Mapping& mapping) const;
  void Put(FieldWriter& out) const;
  void Get(FieldReader& in, MemoryAccess access);

 private:
  UniqueFd fd_;
  size_t size_ = 0;
};

class SealedMemory : public SharedMemory {
 public:
  SealedMemory() = default;
  // `name` is what /proc/PID/maps shows. InvalidArgument for no bytes; else as memfd_create(2).
  static absl::StatusOr<SealedMemory> Create(std::string_view name, std::span<const uint8_t> bytes);
  // To read. 0 or the errno of mmap(2).
  int Map(Mapping& mapping) const { return SharedMemory::Map(MemoryAccess::kSealed, mapping); }

 private:
  friend struct Codec<SealedMemory>;
  SealedMemory(UniqueFd fd, size_t size) : SharedMemory(std::move(fd), size) {}
};

class WritableMemory : public SharedMemory {
 public:
  WritableMemory() = default;
  // Zeroed.
  static absl::StatusOr<WritableMemory> Create(std::string_view name, size_t size);
  // To read and write.
  int Map(Mapping& mapping) const { return SharedMemory::Map(MemoryAccess::kWritable, mapping); }

 private:
  friend struct Codec<WritableMemory>;
  WritableMemory(UniqueFd fd, size_t size) : SharedMemory(std::move(fd), size) {}
};

struct SharedMemoryCodec {
  static constexpr size_t kMaxBytes = sizeof(uint64_t);
  static constexpr size_t kMaxDescriptors = 1;
  static constexpr bool kHasEndpoint = false;
};

template <>
struct Codec<SealedMemory> : SharedMemoryCodec {
  static void Put(FieldWriter& out, const SealedMemory& memory) { memory.Put(out); }
  static void Get(FieldReader& in, SealedMemory& memory) { memory.Get(in, MemoryAccess::kSealed); }
};

template <>
struct Codec<WritableMemory> : SharedMemoryCodec {
  static void Put(FieldWriter& out, const WritableMemory& memory) { memory.Put(out); }
  static void Get(FieldReader& in, WritableMemory& memory) {
    memory.Get(in, MemoryAccess::kWritable);
  }
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_SHARED_MEMORY_H_
