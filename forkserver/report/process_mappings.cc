#include "forkserver/report/process_mappings.h"

#include <stdio.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "forkserver/report/proc_file.h"

namespace forkserver {
namespace {

// 65530 mappings, of smaps at 750 bytes each.
constexpr size_t kMostTextBytes = size_t{64} << 20;

// "7f12000-7f34000 rw-p 00001000 fe:00 1234      /usr/lib/x.so"
bool ParseHead(const std::string& line, ProcessMapping& mapping) {
  unsigned long start = 0;
  unsigned long end = 0;
  unsigned long long offset = 0;
  unsigned long long inode = 0;
  unsigned major_number = 0;
  unsigned minor_number = 0;
  char access[5] = {};
  int path = 0;
  if (sscanf(line.c_str(), "%lx-%lx %4s %llx %x:%x %llu %n", &start, &end, access, &offset,
             &major_number, &minor_number, &inode, &path) < 7) {
    return false;
  }
  mapping = {.start = start,
             .end = end,
             .is_writable = access[1] == 'w',
             .is_shared = access[3] == 's',
             .offset = offset,
             .device = makedev(major_number, minor_number),
             .inode = inode,
             .path = line.substr(std::min(static_cast<size_t>(path), line.size()))};
  return start < end;
}

bool ParseKib(const std::string& line, const char* format, uint64_t& bytes) {
  unsigned long long kib = 0;
  if (sscanf(line.c_str(), format, &kib) != 1) return false;
  bytes = kib << 10;
  return true;
}

}  // namespace

std::vector<ProcessMapping> ParseMappings(std::string_view text) {
  std::vector<ProcessMapping> mappings;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ProcessMapping mapping;
    if (ParseHead(line, mapping)) {
      mappings.push_back(std::move(mapping));
    } else if (!mappings.empty()) {
      ParseKib(line, "Anonymous: %llu kB", mappings.back().anonymous_bytes) ||
          ParseKib(line, "Swap: %llu kB", mappings.back().swapped_bytes);
    }
  }
  return mappings;
}

absl::StatusOr<std::vector<ProcessMapping>> ReadMappings(int folder, pid_t pid,
                                                         MappingPages pages) {
  const absl::StatusOr<std::string> text =
      ReadProcFile(folder, pid, pages == MappingPages::kCounted ? "smaps" : "maps", kMostTextBytes);
  if (!text.ok()) return text.status();
  return ParseMappings(*text);
}

std::string_view FileNameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace forkserver
