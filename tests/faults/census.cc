#include "tests/faults/census.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_format.h"

namespace forkserver::testing {
namespace {

// Read without allocating, so that the heap is as the caller left it.
long CountIn(const char* path, char what) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  long count = 0;
  char chunk[4096];
  for (ssize_t size; (size = read(fd, chunk, sizeof(chunk))) > 0;) {
    for (ssize_t i = 0; i < size; ++i) count += chunk[i] == what;
  }
  close(fd);
  return count;
}

long CountDescriptors() {
  long count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

}  // namespace

std::string Census::ToString() const {
  return absl::StrFormat("%d descriptors, %d children, %d mappings, %d bytes of heap", descriptors,
                         children, mappings, heap_bytes);
}

Census TakeCensus() {
  char children[64];
  snprintf(children, sizeof(children), "/proc/self/task/%d/children", getpid());
  const struct mallinfo2 heap = mallinfo2();
  return {.descriptors = CountDescriptors(),
          .children = CountIn(children, ' '),
          .mappings = CountIn("/proc/self/maps", '\n'),
          .heap_bytes = static_cast<long>(heap.uordblks + heap.hblkhd)};
}

std::string ListDescriptors() {
  std::string text;
  for (int fd = 0; fd < 1024; ++fd) {
    char target[256];
    const ssize_t size =
        readlink(absl::StrFormat("/proc/self/fd/%d", fd).c_str(), target, sizeof(target));
    if (size > 0) absl::StrAppendFormat(&text, " %d->%s", fd, std::string(target, size));
  }
  return text;
}

std::string ListChildren() {
  std::string text;
  std::ifstream children(absl::StrFormat("/proc/self/task/%d/children", getpid()));
  for (pid_t pid; children >> pid;) {
    std::ifstream stat(absl::StrFormat("/proc/%d/stat", pid));
    std::string number, name, state;
    stat >> number >> name >> state;
    absl::StrAppendFormat(&text, " %s %s", name, state);
  }
  return text;
}

}  // namespace forkserver::testing
