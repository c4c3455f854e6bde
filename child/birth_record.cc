#include "child/birth_record.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "transceiver/mapping.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {

int MapBirthRecord(int fd, BirthRecord*& record) {
  Mapping mapping;
  int error = mapping.Map(BirthRecord::kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  if (error != 0) return error;
  const std::span<uint8_t> bytes = mapping.bytes();
  error = RawSyscallError(SYS_madvise, bytes.data(), bytes.size(), MADV_DONTFORK);
  if (error != 0) return error;
  record = reinterpret_cast<BirthRecord*>(mapping.Release().data());
  record->maker = static_cast<pid_t>(RawSyscall(SYS_getpid));
  return 0;
}

}  // namespace forkserver
