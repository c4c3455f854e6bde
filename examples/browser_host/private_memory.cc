#include "examples/browser_host/private_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memory>

#include "absl/strings/str_format.h"

namespace browser_host {

int64_t PrivateKib(pid_t pid) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(
      fopen(absl::StrFormat("/proc/%d/smaps_rollup", pid).c_str(), "re"), fclose);
  if (file == nullptr) return -1;
  int64_t kib = 0;
  char line[256];
  while (fgets(line, sizeof(line), file.get()) != nullptr) {
    if (strncmp(line, "Private_Clean:", 14) == 0 || strncmp(line, "Private_Dirty:", 14) == 0) {
      kib += atoll(line + 14);
    }
  }
  return kib;
}

}  // namespace browser_host
