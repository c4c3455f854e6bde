#include "child/components/text_decoder.h"

#include <stddef.h>

namespace forkserver {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

void Append(char32_t point, std::string& text) {
  const auto tail = [point](int shift) {
    return static_cast<char>(0x80 | (point >> shift & 0x3F));
  };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += {static_cast<char>(0xC0 | point >> 6), tail(0)};
  } else if (point < 0x10000) {
    text += {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  } else {
    text += {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
  }
}

bool IsLead(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsTrail(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

ComponentRow TextDecoder::Row() {
  return {.name = std::string(kName),
          .users = {ProcessType::kContent, ProcessType::kDataDecoder, ProcessType::kUtility},
          .make = MakeComponent<TextDecoder>()};
}

std::string TextDecoder::FromLatin1(std::span<const uint8_t> bytes) const {
  std::string text;
  text.reserve(bytes.size());
  for (const uint8_t byte : bytes) Append(byte, text);
  return text;
}

std::string TextDecoder::FromUtf16(std::span<const uint8_t> bytes, ByteOrder order) const {
  const size_t units = bytes.size() / 2;
  const auto unit = [bytes, order](size_t index) -> char32_t {
    const uint8_t first = bytes[2 * index];
    const uint8_t second = bytes[2 * index + 1];
    return order == ByteOrder::kLittleEndian ? first | second << 8 : first << 8 | second;
  };
  std::string text;
  text.reserve(bytes.size());
  for (size_t i = 0; i < units; ++i) {
    const char32_t one = unit(i);
    if (IsLead(one) && i + 1 < units && IsTrail(unit(i + 1))) {
      Append(0x10000 + ((one - 0xD800) << 10) + (unit(++i) - 0xDC00), text);
    } else {
      Append(IsLead(one) || IsTrail(one) ? kReplacement : one, text);
    }
  }
  if (bytes.size() % 2 != 0) Append(kReplacement, text);
  return text;
}

}  // namespace forkserver
