#include "child/sandbox/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "transceiver/raw_syscall.h"
#include "transceiver/read_text.h"

namespace forkserver {
namespace {

// Until the kernel knows no further one.
int DropBoundingSet() {
  for (int capability = 0;; ++capability) {
    const int error = RawSyscallError(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (error == EINVAL && capability > 0) return 0;
    if (error != 0) return error;
  }
}

int SetLimit(int resource, uint64_t value) {
  rlimit now;
  if (const int error = RawSyscallError(SYS_prlimit64, 0, resource, nullptr, &now); error != 0)
    return error;
  // Never more than there is: raising it is not a sandbox's business, and may be forbidden.
  const rlimit wanted = {.rlim_cur = value < now.rlim_cur ? value : now.rlim_cur,
                         .rlim_max = value < now.rlim_max ? value : now.rlim_max};
  return RawSyscallError(SYS_prlimit64, 0, resource, &wanted, nullptr);
}

uint64_t KibibytesAfter(std::string_view text, std::string_view name) {
  const size_t found = text.find(name);
  if (found == text.npos) return 0;
  uint64_t value = 0;
  for (const char c : text.substr(found + name.size())) {
    if (c == ' ' || c == '\t') continue;
    if (c < '0' || c > '9') break;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

void DropCapabilities(SandboxReport& report) {
  constexpr SandboxLayer kLayer = SandboxLayer::kCapabilities;
  int error = DropBoundingSet();
  if (error != 0 && error != EPERM) {
    return report.Refused(kLayer, SandboxCall::kDropBoundingSet, error);
  }
  constexpr unsigned long kNoPowerOfRoot = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                                           SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                           SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                           SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  error = RawSyscallError(SYS_prctl, PR_SET_SECUREBITS, kNoPowerOfRoot, 0, 0, 0);
  if (error != 0 && error != EPERM) {
    return report.Refused(kLayer, SandboxCall::kSetSecurebits, error);
  }
  error = RawSyscallError(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (error != 0) return report.Refused(kLayer, SandboxCall::kClearAmbient, error);
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  error = RawSyscallError(SYS_capset, &header, none);
  if (error != 0) return report.Refused(kLayer, SandboxCall::kSetCapabilities, error);
  report.Engaged(kLayer);
}

void ForbidNewPrivileges(SandboxReport& report) {
  constexpr SandboxLayer kLayer = SandboxLayer::kNoNewPrivileges;
  const int error = RawSyscallError(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (error != 0) return report.Refused(kLayer, SandboxCall::kSetNoNewPrivileges, error);
  report.Engaged(kLayer);
}

void ForbidLookingIn(SandboxReport& report) {
  constexpr SandboxLayer kLayer = SandboxLayer::kNotDumpable;
  const int error = RawSyscallError(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (error != 0) return report.Refused(kLayer, SandboxCall::kSetDumpable, error);
  report.Engaged(kLayer);
}

void SetLimits(const SandboxLimits& limits, uint64_t data_bytes, SandboxReport& report) {
  constexpr SandboxLayer kLayer = SandboxLayer::kLimits;
  int error = 0;
  if (limits.memory_bytes) error = SetLimit(RLIMIT_DATA, data_bytes + *limits.memory_bytes);
  if (error == 0 && limits.descriptors) error = SetLimit(RLIMIT_NOFILE, *limits.descriptors);
  if (error == 0 && limits.core_bytes) error = SetLimit(RLIMIT_CORE, *limits.core_bytes);
  if (error != 0) return report.Refused(kLayer, SandboxCall::kSetLimit, error);
  if (limits.memory_bytes || limits.descriptors || limits.core_bytes) report.Engaged(kLayer);
}

uint64_t OwnDataBytes() {
  const long fd = RawSyscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  char bytes[4096];
  const long size = ReadText(static_cast<int>(fd), bytes, sizeof(bytes));
  RawSyscall(SYS_close, fd);
  if (size <= 0) return 0;
  const std::string_view text(bytes, static_cast<size_t>(size));
  return (KibibytesAfter(text, "VmData:") + KibibytesAfter(text, "VmStk:")) * 1024;
}

}  // namespace forkserver
