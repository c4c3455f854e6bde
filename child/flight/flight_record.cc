#include "child/flight/flight_record.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "transceiver/launch_path.h"
#include "transceiver/mapping.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

// Nobody is left to hear that this fails too.
FORKSERVER_LAUNCH_PATH WatchError Fail(int fd, WatchStep step, int error) {
  const WatchError failed = {.step = step, .error = static_cast<uint16_t>(error)};
  const uint32_t packed = failed.Packed();
  RawSyscall(SYS_pwrite64, fd, &packed, sizeof(packed), offsetof(FlightRecord, unwatched));
  return failed;
}

}  // namespace

FORKSERVER_LAUNCH_PATH WatchError MapFlightRecord(int fd, FlightRecord*& record) {
  Mapping mapping;
  int error = mapping.Map(sizeof(FlightRecord), PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  if (error != 0) return Fail(fd, WatchStep::kMapRecord, error);
  const std::span<uint8_t> bytes = mapping.bytes();
  error = RawSyscallError(SYS_madvise, bytes.data(), bytes.size(), MADV_DONTFORK);
  if (error != 0) return Fail(fd, WatchStep::kKeepRecordFromForks, error);
  record = reinterpret_cast<FlightRecord*>(mapping.Release().data());
  record->magic.store(FlightRecord::kMagic, std::memory_order_relaxed);
  return {};
}

}  // namespace forkserver
