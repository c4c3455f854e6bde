#include "transceiver/one_line.h"

#include <stddef.h>
#include <stdint.h>

namespace forkserver {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

uint8_t ByteAt(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

// Behind 0xe2: U+202A to U+202E and U+2066 to U+2069, embeddings, overrides and isolates.
bool IsOrderOfDirection(uint8_t second, uint8_t third) {
  return (second == 0x80 && third >= 0xaa && third <= 0xae) ||
         (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

// Of the character that `text`, which is not empty, begins with; 0 where that may not be shown.
size_t BytesToKeep(std::string_view text) {
  const uint8_t first = ByteAt(text, 0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  // What begins with less is the middle of one, or longer than it has to be; what begins with more
  // is above the last one there is.
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((ByteAt(text, i) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = ByteAt(text, 1);
  if (first == 0xc2 && second < 0xa0) return 0;   // C1
  if (first == 0xe0 && second < 0xa0) return 0;   // longer than it has to be
  if (first == 0xed && second >= 0xa0) return 0;  // a surrogate
  if (first == 0xf0 && second < 0x90) return 0;   // longer than it has to be
  if (first == 0xf4 && second >= 0x90) return 0;  // above U+10FFFF
  if (first == 0xe2 && IsOrderOfDirection(second, ByteAt(text, 2))) return 0;
  return size;
}

}  // namespace

std::string OneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    if (const size_t size = BytesToKeep(text); size != 0) {
      line += text.substr(0, size);
      text.remove_prefix(size);
      continue;
    }
    const uint8_t byte = ByteAt(text, 0);
    line += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xf]};
    text.remove_prefix(1);
  }
  return line;
}

}  // namespace forkserver
