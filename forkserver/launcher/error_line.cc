#include "forkserver/launcher/error_line.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace forkserver {

void PrintLine(const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  const int wanted = vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (wanted < 0) return;
  const size_t size = std::min(static_cast<size_t>(wanted), sizeof(line) - 1);
  line[size] = '\n';
  // Whoever does not read stderr does not want to know; a SIGPIPE would end the launcher, or be
  // passed on to the host as one of somebody else's.
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigprocmask(SIG_BLOCK, &pipe_signal, &before);
  const bool was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
  if (write(STDERR_FILENO, line, size + 1) < 0 && errno == EPIPE && !was_pending) {
    const timespec at_once = {};
    sigtimedwait(&pipe_signal, nullptr, &at_once);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

const char* NameOfErrno(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "errno?";
}

}  // namespace forkserver
