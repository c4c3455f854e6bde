#include "forkserver/launcher/error_line.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
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
  // Whoever does not read stderr does not want to know.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, size + 1);
}

const char* NameOfErrno(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "errno?";
}

}  // namespace forkserver
