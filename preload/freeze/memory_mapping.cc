#include "preload/freeze/memory_mapping.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>

#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

std::string_view TakeWord(std::string_view& text) {
  const size_t start = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(start);
  const size_t length = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

// Stops at the first character that is no digit, as strtoul does. Not strtoul: that writes errno.
uint64_t ParseNumber(std::string_view text, unsigned base) {
  uint64_t number = 0;
  for (const char c : text) {
    unsigned digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a' + 10);
    } else {
      break;
    }
    if (digit >= base) break;
    number = number * base + digit;
  }
  return number;
}

uint32_t FlagNamed(std::string_view letters) {
  struct Known {
    char letters[3];
    MappingFlag flag;
  };
  static constexpr Known kKnown[] = {
      {"gd", kGrowsDown},     {"pf", kDevicePages}, {"mm", kDevicePages}, {"io", kDevicePages},
      {"lo", kLocked},        {"dc", kDontFork},    {"dd", kDontDump},    {"wf", kWipeOnFork},
      {"ht", kHugetlb},       {"um", kUserfaultfd}, {"uw", kUserfaultfd}, {"ui", kUserfaultfd},
      {"sl", kSealedMapping}, {"ss", kShadowStack}, {"nr", kNoReserve}};
  for (const Known& known : kKnown) {
    if (letters == std::string_view(known.letters, 2)) return known.flag;
  }
  return 0;
}

// "7f12000-7f34000 rw-p 00000000 00:01 1234    /memfd:name (deleted)". Fields are in lower case,
// keys of the lines below it begin with a capital.
bool IsFirstLine(std::string_view line) {
  return !line.empty() &&
         ((line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f'));
}

void ParseFirstLine(std::string_view line, MemoryMapping& mapping) {
  mapping = {};
  const std::string_view range = TakeWord(line);
  mapping.start = ParseNumber(range, 16);
  mapping.end = ParseNumber(range.substr(std::min(range.find('-'), range.size() - 1) + 1), 16);
  const std::string_view rights = TakeWord(line);
  if (rights.size() >= 4) {
    mapping.protection = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                         (rights[2] == 'x' ? PROT_EXEC : 0);
    mapping.shared = rights[3] != 'p';
  }
  TakeWord(line);  // the offset
  const std::string_view device = TakeWord(line);
  const std::string_view inode = TakeWord(line);
  mapping.file_backed = device != "00:00" || inode != "0";
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (line.size() >= sizeof(mapping.name)) {
    line.remove_prefix(line.size() - (sizeof(mapping.name) - 1));
  }
  memcpy(mapping.name, line.data(), line.size());
}

void ParseFurtherLine(std::string_view line, MemoryMapping& mapping) {
  const std::string_view key = TakeWord(line);
  if (key == "Anonymous:") {
    mapping.anonymous_bytes = ParseNumber(TakeWord(line), 10) * 1024;
  } else if (key == "Swap:") {
    mapping.swapped_bytes = ParseNumber(TakeWord(line), 10) * 1024;
  } else if (key == "ProtectionKey:") {
    mapping.protection_key = static_cast<uint32_t>(ParseNumber(TakeWord(line), 10));
  } else if (key == "VmFlags:") {
    for (std::string_view letters; !(letters = TakeWord(line)).empty();) {
      mapping.flags |= FlagNamed(letters);
    }
  }
}

}  // namespace

bool SmapsReader::Line(std::string_view& line) {
  for (;;) {
    const std::string_view text(buffer_.data() + begin_, end_ - begin_);
    if (const size_t length = text.find('\n'); length != text.npos) {
      line = text.substr(0, length);
      begin_ += length + 1;
      return true;
    }
    memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) {
      error_ = -EOVERFLOW;
      return false;
    }
    const long size = RawSyscall(SYS_read, fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (size == -EINTR) continue;
    if (size <= 0) {
      error_ = static_cast<int>(size);
      return false;
    }
    end_ += static_cast<size_t>(size);
  }
}

int SmapsReader::Next(MemoryMapping& mapping) {
  std::string_view line;
  if (has_next_) {
    mapping = next_;
    has_next_ = false;
  } else {
    do {
      if (!Line(line)) return error_;
    } while (!IsFirstLine(line));
    ParseFirstLine(line, mapping);
  }
  while (Line(line)) {
    if (IsFirstLine(line)) {
      ParseFirstLine(line, next_);
      has_next_ = true;
      return kMapping;
    }
    ParseFurtherLine(line, mapping);
  }
  return error_ != 0 ? error_ : kMapping;
}

}  // namespace forkserver
