#include "forkserver/host/stat_fields.h"

#include "absl/strings/str_split.h"

namespace forkserver {

std::optional<StatFields> StatFields::Parse(absl::string_view text) {
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == text.npos || close == text.npos || close < open) return std::nullopt;
  return StatFields(
      text.substr(open + 1, close - open - 1),
      absl::StrSplit(text.substr(close + 1), absl::ByAnyChar(" \n"), absl::SkipWhitespace()));
}

}  // namespace forkserver
