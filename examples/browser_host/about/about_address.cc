#include "examples/browser_host/about/about_address.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/about/pref_text.h"
#include "examples/browser_host/percent.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

constexpr size_t kMaxShownBytes = 80;

absl::Status Wrong(std::string_view why, std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("about:config: ", std::string(why), " '",
                   forkserver::OneLine(text.substr(0, kMaxShownBytes)), "'"));
}

std::pair<std::string_view, std::optional<std::string_view>> SplitAt(std::string_view text,
                                                                     char at) {
  const size_t place = text.find(at);
  if (place == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, place), text.substr(place + 1)};
}

absl::StatusOr<std::string> Decoded(std::string_view text) {
  std::optional<std::string> decoded = PercentDecode(text);
  if (!decoded) return Wrong("badly percent-encoded:", text);
  return *std::move(decoded);
}

absl::Status TakeSet(std::string_view value, AboutAddress& address) {
  const auto [name, text] = SplitAt(value, '=');
  if (!text) return Wrong("no value in set", value);
  absl::StatusOr<std::string> decoded_name = Decoded(name);
  if (!decoded_name.ok()) return decoded_name.status();
  absl::StatusOr<std::string> decoded_text = Decoded(*text);
  if (!decoded_text.ok()) return decoded_text.status();
  if (address.edit) return Wrong("a second set:", value);
  address.edit = PrefEdit{.name = *std::move(decoded_name), .value = *std::move(decoded_text)};
  return absl::OkStatus();
}

absl::StatusOr<AboutPrefKind> KindNamed(std::string_view name) {
  for (const AboutPrefKind kind :
       {AboutPrefKind::kBool, AboutPrefKind::kInt, AboutPrefKind::kString}) {
    if (KindName(kind) == name) return kind;
  }
  return Wrong("no such kind:", name);
}

absl::Status TakeQuery(std::string_view query, AboutAddress& address) {
  std::optional<AboutPrefKind> kind;
  std::optional<std::string_view> rest = query;
  while (rest) {
    const auto [pair, behind] = SplitAt(*rest, '&');
    rest = behind;
    const auto [key, value] = SplitAt(pair, '=');
    if (!value || key == "filter") {
      absl::StatusOr<std::string> filter = Decoded(value ? *value : pair);
      if (!filter.ok()) return filter.status();
      address.filter = *std::move(filter);
    } else if (key == "set") {
      if (absl::Status taken = TakeSet(*value, address); !taken.ok()) return taken;
    } else if (key == "kind") {
      const absl::StatusOr<AboutPrefKind> named = KindNamed(*value);
      if (!named.ok()) return named.status();
      kind = *named;
    } else {
      return Wrong("nothing is known of", key);
    }
  }
  if (kind && !address.edit) return Wrong("nothing is set by", query);
  if (address.edit) address.edit->kind = kind;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AboutAddress> ParseAboutAddress(std::string_view url) {
  const std::string_view whole = SplitAt(url, '#').first;
  const auto [path, query] = SplitAt(whole, '?');
  const std::string name = absl::AsciiStrToLower(absl::string_view(path.data(), path.size()));
  AboutAddress address;
  if (name == "about:processes") return address;
  if (name != "about:config") {
    return absl::NotFoundError(
        absl::StrCat(forkserver::OneLine(path.substr(0, kMaxShownBytes)), ": not shown here"));
  }
  address.page = AboutAddress::Page::kConfig;
  if (query) {
    if (absl::Status taken = TakeQuery(*query, address); !taken.ok()) return taken;
  }
  return address;
}

std::string AddressOf(const PrefEdit& edit) {
  std::string address =
      absl::StrCat("about:config?set=", PercentEncode(edit.name), "=", PercentEncode(edit.value));
  if (edit.kind) absl::StrAppend(&address, "&kind=", std::string(KindName(*edit.kind)));
  return address;
}

}  // namespace browser_host
