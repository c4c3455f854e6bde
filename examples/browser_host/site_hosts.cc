#include "examples/browser_host/site_hosts.h"

#include <stddef.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace browser_host {
namespace {

constexpr size_t kMaxLabelBytes = 63;

std::string LabelOf(std::string_view name) {
  std::string label;
  for (const char c : name.substr(0, kMaxLabelBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool stays = absl::ascii_isalnum(byte) || c == '-' || c == '_';
    label += stays ? absl::ascii_tolower(byte) : '-';
  }
  if (label.empty()) return "root";  // of "/", which has no name
  // It says that the rest is encoded, which it is not.
  if (absl::StartsWith(label, "xn--")) label.erase(2, 1);
  return label;
}

}  // namespace

std::string SiteHosts::HostOf(std::string_view folder_name) {
  const std::string label = LabelOf(folder_name);
  std::string chosen = label;
  for (int number = 2; !taken_.insert(chosen).second; ++number) {
    const std::string suffix = absl::StrCat("-", number);
    chosen = label.substr(0, kMaxLabelBytes - suffix.size()) + suffix;
  }
  return chosen + ".test";
}

}  // namespace browser_host
