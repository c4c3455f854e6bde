#include "forkserver/model/origin_attributes.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace forkserver {

std::string OriginAttributes::ToSuffix() const {
  std::vector<std::string> members;
  if (user_context_id != 0) members.push_back(absl::StrCat("userContextId=", user_context_id));
  if (private_browsing_id != 0) {
    members.push_back(absl::StrCat("privateBrowsingId=", private_browsing_id));
  }
  return members.empty() ? "" : absl::StrCat("^", absl::StrJoin(members, "&"));
}

absl::StatusOr<OriginAttributes> OriginAttributes::FromSuffix(std::string_view suffix) {
  OriginAttributes attributes;
  const absl::string_view text(suffix.data(), suffix.size());
  for (const absl::string_view member :
       absl::StrSplit(text.substr(text.empty() ? 0 : 1), absl::ByAnyChar("&"))) {
    const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(member, '=');
    if (pair.first == "userContextId") {
      (void)absl::SimpleAtoi(pair.second, &attributes.user_context_id);
    } else if (pair.first == "privateBrowsingId") {
      (void)absl::SimpleAtoi(pair.second, &attributes.private_browsing_id);
    }
  }
  // One text for each: whatever was read loosely is refused here.
  if (attributes.ToSuffix() != suffix) {
    return absl::InvalidArgumentError(absl::StrCat(
        "origin attributes ", absl::CHexEscape(text.substr(0, 80)), ": not canonical"));
  }
  return attributes;
}

}  // namespace forkserver
