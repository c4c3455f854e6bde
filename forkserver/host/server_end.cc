#include "forkserver/host/server_end.h"

#include "absl/strings/str_format.h"

namespace forkserver {

std::string ServerEnd::ToString() const {
  std::string text =
      absl::StrFormat("%d templates ended in %s", templates, absl::FormatDuration(took));
  if (launches > 0) absl::StrAppendFormat(&text, "; %d launches cancelled", launches);
  for (size_t i = 0; i < forced.size(); ++i) {
    absl::StrAppendFormat(&text, "%s%s %s", i == 0 ? "; forced: " : ", ", forced[i].name,
                          forced[i].how);
  }
  for (size_t i = 0; i < unreaped.size(); ++i) {
    absl::StrAppendFormat(&text, "%s%s (%s)", i == 0 ? "; not reaped: " : ", ", unreaped[i].name,
                          unreaped[i].why);
  }
  return text;
}

}  // namespace forkserver
