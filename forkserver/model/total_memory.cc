#include "forkserver/model/total_memory.h"

#include <errno.h>
#include <fcntl.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "transceiver/errno_status.h"
#include "transceiver/read_text.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

std::optional<uint64_t> TotalMemoryOf(std::string_view meminfo) {
  for (absl::string_view line :
       absl::StrSplit(absl::string_view(meminfo.data(), meminfo.size()), '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:") || !absl::ConsumeSuffix(&line, " kB")) continue;
    uint64_t kib = 0;
    if (absl::SimpleAtoi(line, &kib) && kib <= UINT64_MAX / 1024) return kib * 1024;
  }
  return std::nullopt;
}

absl::StatusOr<uint64_t> ReadTotalMemory(const char* path) {
  UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  // The line is the first of about fifty.
  std::string text(4096, '\0');
  const long size = ReadText(file.get(), text.data(), text.size());
  if (size < 0) return ErrnoStatus(static_cast<int>(-size), absl::StrCat("read ", path));
  text.resize(static_cast<size_t>(size));
  const std::optional<uint64_t> bytes = TotalMemoryOf(text);
  if (!bytes) return absl::DataLossError(absl::StrCat("read ", path, ": no MemTotal"));
  return *bytes;
}

}  // namespace forkserver
