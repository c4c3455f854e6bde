#include "transceiver/actor/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_format.h"
#include "transceiver/close_strangers.h"
#include "transceiver/errno_status.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/size_limit_guard.h"

namespace forkserver {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

int SealsOf(MemoryAccess access) {
  return access == MemoryAccess::kSealed ? kSizeSeals | F_SEAL_WRITE : kSizeSeals;
}

// What is wrong with it, or nullptr.
const char* Fault(int fd, size_t size, MemoryAccess access) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return "shared memory that is no memfd";
  if ((seals & SealsOf(access)) != SealsOf(access)) return "shared memory without its seals";
  // Huge pages may run out when they are touched.
  struct statfs file_system;
  if (fstatfs(fd, &file_system) != 0 || file_system.f_type != TMPFS_MAGIC) {
    return "shared memory that is not of tmpfs";
  }
  struct stat status;
  if (fstat(fd, &status) != 0 || status.st_size <= 0 ||
      static_cast<uint64_t>(status.st_size) != size) {
    return "shared memory of another size";
  }
  return nullptr;
}

}  // namespace

int SharedMemory::Map(MemoryAccess access, Mapping& mapping) const {
  return access == MemoryAccess::kSealed
             ? mapping.Map(size_, PROT_READ, MAP_SHARED, fd_.get())
             : mapping.Map(size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get());
}

void SharedMemory::Put(FieldWriter& out) const {
  out.Number(uint64_t{size_});
  out.Descriptor(fd_.get());
}

void SharedMemory::Get(FieldReader& in, MemoryAccess access) {
  size_ = in.Number<uint64_t>();
  StrangersFd fd = in.Descriptor();
  if (!in.ok()) return;
  if (const char* fault = Fault(fd.get(), size_, access); fault != nullptr) return in.Fail(fault);
  fd_ = std::move(fd);
}

absl::StatusOr<SealedMemory> SealedMemory::Create(std::string_view name,
                                                  std::span<const uint8_t> bytes) {
  if (bytes.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("shared memory %s: no bytes", name));
  }
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd(name, bytes);
  if (!fd.ok()) return fd.status();
  return SealedMemory(*std::move(fd), bytes.size());
}

absl::StatusOr<WritableMemory> WritableMemory::Create(std::string_view name, size_t size) {
  if (size == 0) {
    return absl::InvalidArgumentError(absl::StrFormat("shared memory %s: no bytes", name));
  }
  UniqueFd fd(memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return ErrnoStatus(errno, absl::StrFormat("memfd_create %s", name));
  SizeLimitGuard guard;
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return ErrnoStatus(guard.Failed(errno), absl::StrFormat("ftruncate memfd %s", name));
  }
  // The peer must not seal it against our writing.
  if (fcntl(fd.get(), F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) != 0) {
    return ErrnoStatus(errno, absl::StrFormat("fcntl F_ADD_SEALS memfd %s", name));
  }
  return WritableMemory(std::move(fd), size);
}

}  // namespace forkserver
