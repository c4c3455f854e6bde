#include "child/debug_pause.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/raw_syscall.h"
#include "transceiver/stderr_line.h"

namespace forkserver {
namespace {

// No event tells a process that it is traced.
constexpr int64_t kLookNanos = 100 * kNanosPerMilli;

// The number behind `field` ("\nPid:") in /proc/self/status as it is now; 0: it cannot be read.
int ReadStatus(const UniqueFd& status, const char* field) {
  std::array<char, 4096> text;
  if (!status.is_open()) return 0;
  const long size = RawSyscall(SYS_pread64, status.get(), text.data(), text.size() - 1, 0);
  if (size <= 0) return 0;
  text[static_cast<size_t>(size)] = '\0';
  const char* const found = strstr(text.data(), field);
  return found != nullptr ? atoi(found + strlen(field)) : 0;
}

}  // namespace

void DebugPause::Begin(uint32_t seconds) {
  seconds_ = seconds;
  const long fd = RawSyscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
  if (fd >= 0) status_.reset(static_cast<int>(fd));
}

void DebugPause::WaitForDebugger(std::string_view type_name, InSandbox in_sandbox) {
  int pid = ReadStatus(status_, "\nPid:");
  if (pid == 0) pid = static_cast<int>(RawSyscall(SYS_getpid));
  const char* const own_files = in_sandbox == InSandbox::kYes ? "-iex 'set sysroot /' " : "";
  WriteStderrLine(absl::StrFormat("[%s] pid %d: waiting %d s for a debugger; gdb %s-p %d\n",
                                  type_name, pid, *seconds_, own_files, pid));
  const int64_t deadline = NowNanos() + int64_t{*seconds_} * kNanosPerSecond;
  for (int64_t now = NowNanos(); now < deadline; now = NowNanos()) {
    if (ReadStatus(status_, "\nTracerPid:") != 0) break;
    const int64_t left = std::min(deadline - now, kLookNanos);
    const timespec wait = {.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
    const long waited = RawSyscall(SYS_ppoll, nullptr, 0, &wait, nullptr, sizeof(uint64_t));
    // A filter that knows no ppoll: better no pause than one that spins.
    if (waited < 0 && waited != -EINTR) break;
  }
  status_.reset();
}

}  // namespace forkserver
