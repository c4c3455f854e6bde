#include "forkserver/host/machine_report.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "forkserver/host/process.h"
#include "transceiver/errno_status.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

absl::Status TryPidfdInfo() {
  const UniqueFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  if (!self.is_open()) return ErrnoStatus(errno, "pidfd_open");
  return CheckPidfdInfo(self.get());
}

absl::Status TryProc() {
  const UniqueFd self(open("/proc/self/exe", O_PATH | O_CLOEXEC));
  return self.is_open() ? absl::OkStatus() : ErrnoStatus(errno, "open /proc/self/exe");
}

}  // namespace

MachineReport InspectMachine() {
  return {.why_no_pidfd_info = std::string(TryPidfdInfo().message()),
          .why_no_seals = std::string(CreateSealedMemfd("trial", {}).status().message()),
          .why_no_proc = std::string(TryProc().message())};
}

}  // namespace forkserver
