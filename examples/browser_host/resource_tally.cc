#include "examples/browser_host/resource_tally.h"

#include "absl/strings/str_format.h"
#include "examples/browser_host/page_messages.h"
#include "examples/browser_host/with_url.h"

namespace browser_host {
namespace {

std::string Cut(std::string_view text) {
  return std::string(text.substr(0, ResourceTally::kMostNamedBytes));
}

std::string Reason(const std::string& url, std::string_view why) {
  return WithUrl(url, why).substr(0, 2 * ResourceTally::kMostNamedBytes);
}

}  // namespace

std::string MissingResources::ToString() const {
  if (missing == 0) return "";
  return absl::StrFormat("%d of %d resource%s, first %s", missing, asked, asked == 1 ? "" : "s",
                         first);
}

absl::StatusOr<size_t> ResourceTally::Ask(std::string_view url) {
  const size_t number = ++asked_;
  awaited_.emplace(number, Cut(url));
  if (number <= kMaxResourcesOfAPage) return number;
  const absl::Status why = absl::ResourceExhaustedError("too many for one page");
  Miss(number, why);
  return why;
}

absl::Status ResourceTally::Have(size_t number, uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= kMaxResourceBytesOfAPage) {
    awaited_.erase(number);
    return absl::OkStatus();
  }
  const absl::Status why = absl::ResourceExhaustedError("too much for one page");
  Miss(number, why);
  return why;
}

void ResourceTally::Miss(size_t number, const absl::Status& why) {
  const auto found = awaited_.find(number);
  if (found == awaited_.end()) return;
  const absl::string_view text = why.message();
  if (missed_++ == 0) first_ = Reason(found->second, {text.data(), text.size()});
  awaited_.erase(found);
}

MissingResources ResourceTally::Missing() const {
  MissingResources missing = {
      .asked = asked_, .missing = missed_ + awaited_.size(), .first = first_};
  if (missed_ == 0 && !awaited_.empty()) {
    missing.first = Reason(awaited_.begin()->second, "did not come in time");
  }
  return missing;
}

}  // namespace browser_host
