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

const char* IconvName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUtf16Le:
      return "UTF-16LE";
    case Encoding::kUtf16Be:
      return "UTF-16BE";
    default:
      return "WINDOWS-1252";
  }
}

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

std::string Converted(std::string_view bytes, Encoding encoding) {
  const iconv_t converter = iconv_open("UTF-8", IconvName(encoding));
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::string(bytes);
  // At most three bytes of UTF-8 for one of these, or two for two of UTF-16 that are more.
  std::string text(bytes.size() * 3 + 16, '\0');
  char* in = const_cast<char*>(bytes.data());
  size_t left = bytes.size();
  char* out = text.data();
  size_t room = text.size();
  while (left > 0 && iconv(converter, &in, &left, &out, &room) == static_cast<size_t>(-1)) {
    // What is none becomes U+FFFD, and what is cut at the end is dropped.
    if (errno != EILSEQ || room < 3) break;
    for (const char c : {'\xef', '\xbf', '\xbd'}) {
      *out++ = c;
      --room;
    }
    const size_t bad = std::min<size_t>(left, encoding == Encoding::kWindows1252 ? 1 : 2);
    in += bad;
    left -= bad;
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
  return Converted(std::string_view(bytes).substr(mark.size), encoding);
}

void WarmUpTextEncoding() {
  // Never closed: with the last user of a module glibc unloads it.
  static const iconv_t kept = iconv_open("UTF-8", IconvName(Encoding::kWindows1252));
  (void)kept;
}

}  // namespace browser_host
