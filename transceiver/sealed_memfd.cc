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

namespace forkserver {
namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;

}  // namespace

absl::StatusOr<UniqueFd> CreateSealedMemfd(std::string_view name, std::span<const uint8_t> bytes) {
  UniqueFd fd(memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return ErrnoStatus(errno, absl::StrFormat("memfd_create %s", name));
  SizeLimitGuard guard;
  while (!bytes.empty()) {
    const ssize_t written = write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return ErrnoStatus(guard.Failed(written == 0 ? EIO : errno),
                         absl::StrFormat("write memfd %s", name));
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  if (fcntl(fd.get(), F_ADD_SEALS, kSeals | F_SEAL_SEAL) != 0) {
    return ErrnoStatus(errno, absl::StrFormat("fcntl F_ADD_SEALS memfd %s", name));
  }
  return fd;
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
