#include "forkserver/report/remote_type_name.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "transceiver/one_line.h"

namespace forkserver {

std::string UserFacingName(const RemoteType& type, pid_t pid) {
  const RemoteTypeRow& row = RowOf(type.kind);
  // A site says more than what its process is called.
  std::string name =
      absl::StrFormat("%s (%d", type.site.empty() ? row.user_facing_name : type.site, pid);
  if (type.kind == RemoteTypeKind::kWebCoopCoep) name += ", cross-origin isolated";
  if (type.attributes.private_browsing_id != 0) name += ", private browsing";
  if (type.attributes.user_context_id != 0) {
    absl::StrAppendFormat(&name, ", container %d", type.attributes.user_context_id);
  }
  return name + ")";
}

std::string UserFacingName(std::string_view remote_type, pid_t pid) {
  const absl::StatusOr<RemoteType> type = RemoteType::Parse(remote_type);
  if (type.ok()) return UserFacingName(*type, pid);
  return absl::StrFormat("%s (%d)", OneLine(remote_type), pid);
}

}  // namespace forkserver
