#include "bench/child_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace bench {
namespace {

using forkserver::ErrnoStatus;

constexpr uint64_t kPresent = 1ULL << 63;
constexpr uint64_t kFileOrSharedAnonymous = 1ULL << 61;
constexpr uint64_t kExclusivelyMapped = 1ULL << 56;
constexpr size_t kEntriesARead = 4096;

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

std::string PathOf(pid_t pid, const char* file) { return absl::StrCat("/proc/", pid, "/", file); }

absl::StatusOr<int64_t> PageTableKib(pid_t pid) {
  const std::string path = PathOf(pid, "status");
  const File file(fopen(path.c_str(), "re"), fclose);
  if (file == nullptr) return ErrnoStatus(errno, "open " + path);
  char line[256];
  long long kib;
  while (fgets(line, sizeof(line), file.get()) != nullptr) {
    if (sscanf(line, "VmPTE: %lld", &kib) == 1) return kib;
  }
  return absl::InternalError(path + ": no VmPTE");
}

// Of the pages of one mapping.
absl::StatusOr<int64_t> CountPrivateAnonymous(int pagemap, uint64_t begin, uint64_t end) {
  const uint64_t page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  static uint64_t entries[kEntriesARead];
  int64_t pages = 0;
  for (uint64_t page = begin / page_bytes; page < end / page_bytes;) {
    const uint64_t wanted = std::min<uint64_t>(kEntriesARead, end / page_bytes - page);
    const ssize_t size = pread(pagemap, entries, wanted * sizeof(uint64_t),
                               static_cast<off_t>(page * sizeof(uint64_t)));
    if (size < 0) return ErrnoStatus(errno, "pread pagemap");
    if (size == 0) break;  // [vsyscall] lies beyond the pagemap's end
    const uint64_t got = static_cast<uint64_t>(size) / sizeof(uint64_t);
    pages += std::count_if(entries, entries + got, [](uint64_t entry) {
      return (entry & (kPresent | kExclusivelyMapped | kFileOrSharedAnonymous)) ==
             (kPresent | kExclusivelyMapped);
    });
    page += got;
  }
  return pages;
}

}  // namespace

absl::StatusOr<ChildMemory> WeighChild(pid_t pid) {
  const absl::StatusOr<int64_t> page_tables = PageTableKib(pid);
  if (!page_tables.ok()) return page_tables.status();
  const std::string path = PathOf(pid, "pagemap");
  const forkserver::UniqueFd pagemap(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!pagemap.is_open()) return ErrnoStatus(errno, "open " + path);
  const File maps(fopen(PathOf(pid, "maps").c_str(), "re"), fclose);
  if (maps == nullptr) return ErrnoStatus(errno, "open " + PathOf(pid, "maps"));
  ChildMemory memory = {.page_table_kib = *page_tables};
  char line[4400];  // a path of PATH_MAX and what is before it
  while (fgets(line, sizeof(line), maps.get()) != nullptr) {
    unsigned long long begin;
    unsigned long long end;
    // The kernel's own pages, the same for everybody.
    if (strstr(line, "[vvar") != nullptr || strstr(line, "[vsyscall]") != nullptr) continue;
    if (sscanf(line, "%llx-%llx", &begin, &end) != 2) continue;
    const absl::StatusOr<int64_t> pages = CountPrivateAnonymous(pagemap.get(), begin, end);
    if (!pages.ok()) return pages.status();
    memory.private_anonymous_kib += *pages * sysconf(_SC_PAGESIZE) / 1024;
  }
  return memory;
}

absl::StatusOr<int> CountMappings(pid_t pid) {
  const File maps(fopen(PathOf(pid, "maps").c_str(), "re"), fclose);
  if (maps == nullptr) return ErrnoStatus(errno, "open " + PathOf(pid, "maps"));
  int lines = 0;
  for (int byte; (byte = fgetc(maps.get())) != EOF;) lines += byte == '\n' ? 1 : 0;
  return lines;
}

}  // namespace bench
