#include "examples/browser_host/paint/text_encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stddef.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "examples/browser_host/paint/well_formed.h"

namespace browser_host {
namespace {

enum class Encoding { kUnknown, kUtf8, kUtf16Le, kUtf16Be, kWindows1252 };

constexpr size_t kPrescanned = 1024;

constexpr char kIconvName[] = "WINDOWS-1252";

Encoding Named(std::string_view label) {
  std::string name;
  for (const char c : label) {
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) {
      name += absl::ascii_tolower(static_cast<unsigned char>(c));
    }
  }
  if (name == "utf-8" || name == "utf8") return Encoding::kUtf8;
  if (name == "utf-16" || name == "utf-16le") return Encoding::kUtf16Le;
  if (name == "utf-16be") return Encoding::kUtf16Be;
  for (const std::string_view one :
       {"windows-1252", "cp1252", "x-cp1252", "iso-8859-1", "iso8859-1", "iso88591", "iso_8859-1",
        "latin1", "l1", "us-ascii", "ascii", "ansi_x3.4-1968"}) {
    if (name == one) return Encoding::kWindows1252;
  }
  return Encoding::kUnknown;
}

// `charset=` in a <meta>, with its value bare or in quotes.
Encoding OfMeta(std::string_view bytes) {
  std::string head(bytes.substr(0, kPrescanned));
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return absl::ascii_tolower(c); });
  for (size_t tag = 0; (tag = head.find("<meta", tag)) != std::string::npos; ++tag) {
    const std::string_view meta = std::string_view(head).substr(tag, head.find('>', tag) - tag);
    size_t at = meta.find("charset=");
    if (at == std::string_view::npos) continue;
    at += 8;
    if (at < meta.size() && (meta[at] == '"' || meta[at] == '\'')) ++at;
    const Encoding named = Named(meta.substr(at, meta.find_first_of("\"' ;/", at) - at));
    // What could be read so far is no UTF-16.
    const bool is_wide = named == Encoding::kUtf16Le || named == Encoding::kUtf16Be;
    if (named != Encoding::kUnknown) return is_wide ? Encoding::kUtf8 : named;
  }
  return Encoding::kUnknown;
}

struct Mark {
  Encoding encoding = Encoding::kUnknown;
  size_t size = 0;
};

Mark OfMark(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) return {Encoding::kUtf8, 3};
  if (bytes.starts_with("\xff\xfe")) return {Encoding::kUtf16Le, 2};
  if (bytes.starts_with("\xfe\xff")) return {Encoding::kUtf16Be, 2};
  return {};
}

// Of the surrogates that a character above U+FFFF is written with.
bool IsFirstHalf(char32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsSecondHalf(char32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

std::string FromUtf16(std::string_view bytes, bool is_big_endian) {
  const auto unit = [&](size_t at) -> char32_t {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const auto second = static_cast<unsigned char>(bytes[at + 1]);
    return is_big_endian ? first << 8 | second : second << 8 | first;
  };
  std::string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    char32_t character = unit(at);
    if (IsFirstHalf(character) && at + 3 < bytes.size() && IsSecondHalf(unit(at + 2))) {
      character = 0x10000 + ((character - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
      at += 2;
    } else if (IsFirstHalf(character) || IsSecondHalf(character)) {
      character = 0xfffd;
    }
    AppendUtf8(character, text);
  }
  return text;
}

std::string FromWindows1252(std::string_view bytes) {
  const iconv_t converter = iconv_open("UTF-8", kIconvName);
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::string(bytes);
  std::string text(bytes.size() * 3, '\0');
  char* in = const_cast<char*>(bytes.data());
  size_t left = bytes.size();
  char* out = text.data();
  size_t room = text.size();
  while (left > 0 && iconv(converter, &in, &left, &out, &room) == static_cast<size_t>(-1)) {
    // What is none becomes U+FFFD.
    if (errno != EILSEQ || room < 3) break;
    for (const char c : {'\xef', '\xbf', '\xbd'}) {
      *out++ = c;
      --room;
    }
    ++in;
    --left;
  }
  iconv_close(converter);
  text.resize(text.size() - room);
  return text;
}

}  // namespace

std::string ToUtf8(std::string bytes, std::string_view charset) {
  const Mark mark = OfMark(bytes);
  Encoding encoding = mark.encoding;
  if (encoding == Encoding::kUnknown) encoding = Named(charset);
  if (encoding == Encoding::kUnknown) encoding = OfMeta(bytes);
  if (encoding == Encoding::kUnknown) {
    encoding = IsWellFormedUtf8(bytes) ? Encoding::kUtf8 : Encoding::kWindows1252;
  }
  if (encoding == Encoding::kUtf8) {
    bytes.erase(0, mark.size);
    return bytes;
  }
  if (encoding == Encoding::kWindows1252) return FromWindows1252(bytes);
  return FromUtf16(std::string_view(bytes).substr(mark.size), encoding == Encoding::kUtf16Be);
}

void WarmUpTextEncoding() {
  // Never closed: with the last user of a module glibc unloads it.
  static const iconv_t kept = iconv_open("UTF-8", kIconvName);
  (void)kept;
}

}  // namespace browser_host
