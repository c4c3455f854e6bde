#include "preload/freeze/huge_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <span>

#include "preload/freeze/memory_mapping.h"
#include "preload/freeze/page_entry.h"
#include "transceiver/huge_page.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

constexpr size_t kTextBytes = size_t{1} << 16;

bool IsHalfInUse(int pagemap, uintptr_t start, std::span<uint64_t> entries) {
  const size_t page_size = kHugePage / entries.size();
  const ssize_t size = pread(pagemap, entries.data(), entries.size_bytes(),
                             static_cast<off_t>(start / page_size * sizeof(uint64_t)));
  if (size != static_cast<ssize_t>(entries.size_bytes())) return false;
  size_t in_use = 0;
  for (const uint64_t entry : entries) {
    if ((entry & kPageGuard) != 0) return false;
    in_use += IsAnonymousPage(entry) ? 1 : 0;
  }
  return in_use * 2 >= entries.size();
}

uint64_t CollapseMapping(const MemoryMapping& mapping, int pagemap, std::span<uint64_t> entries) {
  uint64_t bytes = 0;
  for (uintptr_t at = (mapping.start + kHugePage - 1) & ~(kHugePage - 1);
       at + kHugePage <= mapping.end; at += kHugePage) {
    if (!IsHalfInUse(pagemap, at, entries)) continue;
    void* const address = reinterpret_cast<void*>(at);
    if (madvise(address, kHugePage, kMadvCollapse) == 0) {
      bytes += kHugePage;
    } else if (errno == EINVAL) {
      madvise(address, kHugePage, MADV_HUGEPAGE);
    }
  }
  return bytes;
}

}  // namespace

uint64_t CollapseAnonymousMemory(int proc_self) {
  const size_t entries_bytes = kHugePage / static_cast<size_t>(getpagesize()) * sizeof(uint64_t);
  Mapping work;  // not malloc's memory, which is what is being worked on
  if (work.Map(kTextBytes + entries_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
               -1) != 0) {
    return 0;
  }
  const UniqueFd smaps(OpenInOwnProc(proc_self, "smaps", O_RDONLY));
  const UniqueFd pagemap(OpenInOwnProc(proc_self, "pagemap", O_RDONLY));
  if (!smaps.is_open() || !pagemap.is_open()) return 0;

  SmapsReader reader(smaps.get(), {reinterpret_cast<char*>(work.bytes().data()), kTextBytes});
  const std::span<uint64_t> entries(reinterpret_cast<uint64_t*>(work.bytes().data() + kTextBytes),
                                    entries_bytes / sizeof(uint64_t));
  constexpr uint32_t kNever = kDevicePages | kHugetlb | kUserfaultfd | kShadowStack | kGrowsDown;
  uint64_t bytes = 0;
  MemoryMapping mapping;
  while (reader.Next(mapping) == SmapsReader::kMapping) {
    if (mapping.shared || mapping.file_backed || (mapping.flags & kNever) != 0 ||
        mapping.anonymous_bytes < kHugePage / 2) {
      continue;
    }
    bytes += CollapseMapping(mapping, pagemap.get(), entries);
  }
  return bytes;
}

}  // namespace forkserver
