#include "tests/faults/census.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
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

ProcessView LookAt(pid_t pid) {
  ProcessView view = {.pid = pid, .descriptors = {}, .mappings = {}};
  const std::string folder = absl::StrFormat("/proc/%d/", pid);
  std::error_code gone;
  for (std::filesystem::directory_iterator entry(folder + "fd", gone), end; !gone && entry != end;
       entry.increment(gone)) {
    std::error_code closed;
    std::string target = std::filesystem::read_symlink(entry->path(), closed).string();
    if (closed) continue;
    // A socket's number is another one in each process.
    if (target.starts_with("socket:")) target = "socket";
    view.descriptors.push_back(std::move(target));
  }
  std::sort(view.descriptors.begin(), view.descriptors.end());
  std::ifstream maps(folder + "maps");
  for (std::string line; std::getline(maps, line);) view.mappings.push_back(std::move(line));
  return view;
}

std::string ProcessView::DifferenceTo(const ProcessView& later) const {
  std::string text;
  const auto list = [&](const char* how, const std::vector<std::string>& from,
                        const std::vector<std::string>& without) {
    std::vector<std::string> only;
    std::set_difference(from.begin(), from.end(), without.begin(), without.end(),
                        std::back_inserter(only));
    for (const std::string& one : only) absl::StrAppend(&text, " ", how, " ", one, ";");
  };
  if (descriptors != later.descriptors) {
    absl::StrAppendFormat(&text, " %d descriptors, and %d before:", later.descriptors.size(),
                          descriptors.size());
    list("+", later.descriptors, descriptors);
    list("-", descriptors, later.descriptors);
  }
  if (mappings.size() != later.mappings.size()) {
    absl::StrAppendFormat(&text, " %d mappings, and %d before:", later.mappings.size(),
                          mappings.size());
    list("+", later.mappings, mappings);
    list("-", mappings, later.mappings);
  }
  return text;
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
