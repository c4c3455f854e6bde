#include "tests/forkserver/memory_scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string_view>

#include "absl/strings/str_format.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

// Each byte is one more than the marker's.
constexpr char kShifted[] = "Rvsvrvbhhb`sbccju";
constexpr size_t kPrefixBytes = sizeof(kShifted) - 1;
constexpr size_t kRestBytes = 6;  // kind and number
constexpr size_t kMarkerBytes = kPrefixBytes + kRestBytes;

constexpr size_t kPieceBytes = 1 << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kMostBytes = 128 << 20;  // larger mappings are its shadow
#else
constexpr uint64_t kMostBytes = UINT64_MAX;
#endif

std::string Prefix() {
  std::string text(kShifted, kPrefixBytes);
  for (char& c : text) c = static_cast<char>(c - 1);
  return text;
}

// memmem is fast also in a build without optimization.
void AddMarkers(std::string_view text, const std::string& prefix, const std::string& where,
                MemoryScan& scan) {
  while (const void* hit = memmem(text.data(), text.size(), prefix.data(), prefix.size())) {
    text.remove_prefix(static_cast<size_t>(static_cast<const char*>(hit) - text.data()));
    if (text.size() < kMarkerBytes) return;
    // What is followed by a NUL is the scan's own.
    const std::string_view rest = text.substr(kPrefixBytes, kRestBytes);
    if (rest[0] != '\0') scan.found[std::string(rest)] = where;
    text.remove_prefix(kPrefixBytes);
  }
}

}  // namespace

std::string Marker(char kind, int number) {
  return Prefix() + kind + absl::StrFormat("%05d", number);
}

MemoryScan ScanMemory(const std::string& process) {
  MemoryScan scan;
  const UniqueFd memory(
      open(absl::StrFormat("/proc/%s/mem", process).c_str(), O_RDONLY | O_CLOEXEC));
  // Shared, so that it is a mapping by itself, which can be passed over.
  Mapping piece;
  if (!memory.is_open() ||
      piece.Map(kPieceBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1) != 0) {
    return scan;
  }
  const std::string prefix = Prefix();
  std::ifstream maps(absl::StrFormat("/proc/%s/maps", process));
  for (std::string line; std::getline(maps, line);) {
    uint64_t start = 0;
    uint64_t end = 0;
    char readable = '-';
    if (sscanf(line.c_str(), "%lx-%lx %c", &start, &end, &readable) != 3) continue;
    if (readable != 'r' || end - start > kMostBytes) continue;
    if (start == reinterpret_cast<uint64_t>(piece.bytes().data())) continue;
    for (uint64_t at = start; at < end;) {
      const ssize_t got = pread(memory.get(), piece.bytes().data(), std::min(kPieceBytes, end - at),
                                static_cast<off_t>(at));
      // The kernel's own mappings cannot be read so, nor a file's behind its end.
      if (got < static_cast<ssize_t>(kMarkerBytes)) break;
      const std::string_view text(reinterpret_cast<const char*>(piece.bytes().data()),
                                  static_cast<size_t>(got));
      AddMarkers(text, prefix, line, scan);
      scan.bytes += text.size();
      if (at + text.size() == end) break;
      // Once more what might be the beginning of a marker.
      at += text.size() - (kMarkerBytes - 1);
    }
  }
  return scan;
}

}  // namespace forkserver::testing
