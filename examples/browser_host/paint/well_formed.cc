#include "examples/browser_host/paint/well_formed.h"

namespace browser_host {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool IsTail(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Of `text` from `at` on: those that stand for themselves, as most do.
size_t PlainBytes(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && text[end] > 0) ++end;
  return end - at;
}

}  // namespace

size_t CharacterBytes(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const unsigned first = byte(0);
  if (at >= text.size() || first == 0) return 0;
  if (first < 0x80) return 1;
  const auto tail = [&](size_t i) { return IsTail(static_cast<unsigned char>(byte(i))); };
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::string WellFormedUtf8(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  std::string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    size_t size = PlainBytes(bytes, at);
    if (size == 0) size = CharacterBytes(bytes, at);
    if (size == 0) {
      text += kReplacement;
      ++at;
    } else {
      text.append(bytes, at, size);
      at += size;
    }
  }
  return text;
}

bool IsWellFormedUtf8(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = bytes[at] == '\0' ? 1 : CharacterBytes(bytes, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

char32_t NextCharacter(std::string_view text, size_t& at) {
  const size_t size = CharacterBytes(text, at);
  if (size == 0) {
    ++at;
    return 0xfffd;
  }
  const auto first = static_cast<unsigned char>(text[at]);
  char32_t character = size == 1 ? first : first & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    character = character << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fu);
  }
  at += size;
  return character;
}

void AppendUtf8(char32_t character, std::string& out) {
  const auto add = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (character < 0x80) return add(character);
  if (character < 0x800) {
    add(0xc0 | character >> 6);
  } else if (character < 0x10000) {
    add(0xe0 | character >> 12);
    add(0x80 | (character >> 6 & 0x3f));
  } else {
    add(0xf0 | character >> 18);
    add(0x80 | (character >> 12 & 0x3f));
    add(0x80 | (character >> 6 & 0x3f));
  }
  add(0x80 | (character & 0x3f));
}

}  // namespace browser_host
