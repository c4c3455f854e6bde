#include "child/components/broker_client.h"

#include <errno.h>
#include <fcntl.h>

#include "absl/strings/str_format.h"
#include "child/components/component_registry.h"
#include "child/process_types.h"
#include "transceiver/errno_status.h"

namespace forkserver {

ComponentRow BrokerClient::Row() {
  ProcessTypeSet users;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    if (row.sandbox != SandboxPolicyId::kNone) users = users | ProcessTypeSet({row.type});
  }
  return {.name = std::string(kName), .users = users, .make = [](ComponentRegistry& registry) {
            const SandboxReport* const sandbox = registry.context().sandbox;
            return std::make_unique<BrokerClient>(sandbox != nullptr ? *sandbox : SandboxReport());
          }};
}

absl::StatusOr<UniqueFd> BrokerClient::Open(const std::string& path, int flags, mode_t mode) const {
  // The process's working directory leads nowhere in an empty root.
  if (path.empty() || path.front() != '/') {
    return absl::InvalidArgumentError(absl::StrFormat("openat %s: not an absolute path", path));
  }
  if (const size_t nul = path.find('\0'); nul != path.npos) {
    return absl::InvalidArgumentError(
        absl::StrFormat("openat %s: a NUL byte comes after that", path.substr(0, nul)));
  }
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, mode));
  if (fd.is_open()) return fd;
  const absl::Status failed = ErrnoStatus(errno, absl::StrFormat("openat %s", path));
  if (sandbox_.level == kSandboxOff) return failed;
  return absl::Status(
      failed.code(),
      absl::StrFormat("%s, under the sandbox of policy %s, level %d", std::string(failed.message()),
                      SandboxPolicyName(sandbox_.policy), sandbox_.level));
}

}  // namespace forkserver
