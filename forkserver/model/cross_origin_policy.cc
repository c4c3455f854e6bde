#include "forkserver/model/cross_origin_policy.h"

#include <stddef.h>

#include "absl/strings/ascii.h"
#include "forkserver/model/host.h"

namespace forkserver {
namespace {

bool IsAlpha(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }
bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }
bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsOneOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// Takes what it reads off the front of its text, and says whether it read something whole.
class ItemReader {
 public:
  explicit ItemReader(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }

  void SkipSpaces() {
    while (StartsWith(' ')) text_.remove_prefix(1);
  }

  std::optional<std::string_view> Token() {
    if (text_.empty() || (!IsAlpha(text_.front()) && text_.front() != '*')) return std::nullopt;
    return TakeWhile([](char c) { return IsAlnum(c) || IsOneOf(c, "!#$%&'*+-.^_`|~:/"); });
  }

  // After the `;`.
  bool Parameter() {
    SkipSpaces();
    if (text_.empty() ||
        (!(IsAlpha(text_.front()) && text_.front() >= 'a') && text_.front() != '*')) {
      return false;
    }
    TakeWhile([](char c) { return (IsAlpha(c) && c >= 'a') || IsDigit(c) || IsOneOf(c, "_-.*"); });
    return !Take('=') || Value();
  }

  bool Take(char c) {
    if (!StartsWith(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

 private:
  bool StartsWith(char c) const { return !text_.empty() && text_.front() == c; }

  template <typename Belongs>
  std::string_view TakeWhile(Belongs belongs) {
    size_t size = 0;
    while (size < text_.size() && belongs(text_[size])) ++size;
    const std::string_view taken = text_.substr(0, size);
    text_.remove_prefix(size);
    return taken;
  }

  bool Value() {
    if (text_.empty()) return false;
    if (Take('"')) return StringEnd();
    if (Take('?')) return Take('0') || Take('1');
    if (Take(':')) {
      TakeWhile([](char c) { return IsAlnum(c) || IsOneOf(c, "+/="); });
      return Take(':');
    }
    if (StartsWith('-') || IsDigit(text_.front())) return Number();
    return Token().has_value();
  }

  bool StringEnd() {
    while (!text_.empty()) {
      const char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"') return true;
      if (c < ' ' || c > '~') return false;
      if (c == '\\' && !Take('"') && !Take('\\')) return false;
    }
    return false;
  }

  bool Number() {
    Take('-');
    const size_t digits = TakeWhile(IsDigit).size();
    if (digits == 0 || digits > 15) return false;
    if (!Take('.')) return true;
    const size_t decimals = TakeWhile(IsDigit).size();
    return decimals >= 1 && decimals <= 3 && digits <= 12;
  }

  std::string_view text_;
};

bool IsLoopback(const std::string& host) {
  return IsHostWithin(host, "localhost") || host == "[::1]" ||
         (IsIpAddress(host) && host.starts_with("127."));
}

}  // namespace

std::optional<std::string_view> TokenOfItem(std::string_view value) {
  ItemReader reader(value);
  reader.SkipSpaces();
  const std::optional<std::string_view> token = reader.Token();
  if (!token) return std::nullopt;
  while (reader.Take(';')) {
    if (!reader.Parameter()) return std::nullopt;
  }
  reader.SkipSpaces();
  return reader.AtEnd() ? token : std::nullopt;
}

bool IsolatesOpener(std::string_view opener_policy) {
  return TokenOfItem(opener_policy) == "same-origin";
}

bool IsolatesEmbedded(std::string_view embedder_policy) {
  const std::optional<std::string_view> token = TokenOfItem(embedder_policy);
  return token == "require-corp" || token == "credentialless";
}

bool CameSecurely(const Url& url) {
  return url.HasScheme("https") || (url.HasScheme("http") && IsLoopback(url.host()));
}

}  // namespace forkserver
