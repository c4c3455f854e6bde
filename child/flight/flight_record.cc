#include "child/flight/flight_record.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "transceiver/launch_path.h"
#include "transceiver/mapping.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {

FORKSERVER_LAUNCH_PATH int MapFlightRecord(int fd, FlightRecord*& record) {
  Mapping mapping;
  int error = mapping.Map(sizeof(FlightRecord), PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  if (error != 0) return error;
  const std::span<uint8_t> bytes = mapping.bytes();
  error = RawSyscallError(SYS_madvise, bytes.data(), bytes.size(), MADV_DONTFORK);
  if (error != 0) return error;
  record = reinterpret_cast<FlightRecord*>(mapping.Release().data());
  record->magic.store(FlightRecord::kMagic, std::memory_order_relaxed);
  return 0;
}

}  // namespace forkserver
