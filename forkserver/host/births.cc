#include "forkserver/host/births.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child/birth_record.h"
#include "transceiver/errno_status.h"
#include "transceiver/size_limit_guard.h"

namespace forkserver {

absl::StatusOr<NewBirthRecord> NewBirthRecord::Create() {
  NewBirthRecord made;
  SizeLimitGuard guard;
  const char* call = "memfd_create births";
  const auto failed = [&]() -> absl::StatusOr<NewBirthRecord> {
    const int error = guard.Failed(errno);
    if (error == EMFILE || error == ENFILE || error == ENOMEM) return ErrnoStatus(error, call);
    return NewBirthRecord();
  };
  made.file.reset(memfd_create("births", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!made.file.is_open()) return failed();
  call = "ftruncate memfd births";
  if (ftruncate(made.file.get(), BirthRecord::kBytes) != 0) return failed();
  call = "fcntl F_ADD_SEALS memfd births";
  // A file that is cut short under a mapping is SIGBUS.
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (fcntl(made.file.get(), F_ADD_SEALS, kSeals) != 0) return failed();
  call = "mmap memfd births";
  errno = made.memory.Map(sizeof(BirthRecord), PROT_READ, MAP_SHARED, made.file.get());
  if (errno != 0) return failed();
  // The seed, and whoever comes of it, could make it writable (mprotect(2)).
  call = "madvise DONTFORK memfd births";
  if (madvise(made.memory.bytes().data(), made.memory.bytes().size(), MADV_DONTFORK) != 0) {
    return failed();
  }
  return made;
}

Births ReadBirths(const Mapping& record) {
  if (record.bytes().empty()) return {};
  const auto& read = *reinterpret_cast<const BirthRecord*>(record.bytes().data());
  return {.request_id = read.request_id, .pid = read.pid, .init = read.init, .maker = read.maker};
}

}  // namespace forkserver
