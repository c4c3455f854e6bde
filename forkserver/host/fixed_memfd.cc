#include "forkserver/host/fixed_memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "transceiver/errno_status.h"
#include "transceiver/size_limit_guard.h"

namespace forkserver {

absl::StatusOr<UniqueFd> CreateFixedMemfd(const char* name, size_t bytes) {
  SizeLimitGuard guard;
  const auto failed = [&](const char* call) {
    return ErrnoStatus(guard.Failed(errno), absl::StrCat(call, " memfd ", name));
  };
  UniqueFd file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) return failed("memfd_create");
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return failed("ftruncate");
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return failed("fcntl F_ADD_SEALS");
  return file;
}

}  // namespace forkserver
