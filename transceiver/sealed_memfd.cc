#include "transceiver/sealed_memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/size_limit_guard.h"
#include "transceiver/write_all.h"

namespace forkserver {
namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;

}  // namespace

absl::StatusOr<UniqueFd> CreateMemfd(std::string_view name) {
  UniqueFd fd(memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return ErrnoStatus(errno, absl::StrFormat("memfd_create %s", name));
  return fd;
}

absl::Status SealMemfd(std::string_view name, int fd) {
  if (fcntl(fd, F_ADD_SEALS, kSeals | F_SEAL_SEAL) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrFormat("fcntl F_ADD_SEALS memfd %s", name));
}

absl::StatusOr<UniqueFd> CreateSealedMemfd(std::string_view name, std::span<const uint8_t> bytes) {
  absl::StatusOr<UniqueFd> made = CreateMemfd(name);
  if (!made.ok()) return made;
  UniqueFd fd = *std::move(made);
  const int error = WriteAll(fd.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (error != 0) return ErrnoStatus(error, absl::StrFormat("write memfd %s", name));
  if (absl::Status sealed = SealMemfd(name, fd.get()); !sealed.ok()) return sealed;
  return fd;
}

absl::StatusOr<UnsealedMemfd> UnsealedMemfd::Create(std::string_view name, size_t size) {
  absl::StatusOr<UniqueFd> fd = CreateMemfd(name);
  if (!fd.ok()) return fd.status();
  SizeLimitGuard guard;
  if (ftruncate(fd->get(), static_cast<off_t>(size)) != 0) {
    return ErrnoStatus(guard.Failed(errno), absl::StrFormat("ftruncate memfd %s", name));
  }
  Mapping memory;
  const int error = memory.Map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get());
  if (error != 0) return ErrnoStatus(error, absl::StrFormat("mmap memfd %s", name));
  return UnsealedMemfd(std::string(name), *std::move(fd), std::move(memory));
}

absl::StatusOr<UniqueFd> UnsealedMemfd::Seal() && {
  memory_.Unmap();
  if (absl::Status sealed = SealMemfd(name_, fd_.get()); !sealed.ok()) return sealed;
  return std::move(fd_);
}

int MapSealedMemfd(int fd, size_t max_bytes, SealedAccess access, Mapping& mapping) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return errno;
  if ((seals & kSeals) != kSeals) return EPERM;
  struct stat status;
  if (fstat(fd, &status) != 0) return errno;
  if (status.st_size <= 0) return ENODATA;
  const size_t size = static_cast<size_t>(status.st_size);
  if (size > max_bytes) return EFBIG;
  const int protection = access == SealedAccess::kPrivateCopy ? PROT_READ | PROT_WRITE : PROT_READ;
  return mapping.Map(size, protection, MAP_PRIVATE, fd);
}

}  // namespace forkserver
