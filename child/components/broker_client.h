// Opens files by name in a sandboxed process, and says what refused where it was refused.
//
//     absl::StatusOr<UniqueFd> fd = client.Open("/usr/share/fonts/a.ttf", O_RDONLY);
//         // "openat /etc/passwd: EACCES, under the sandbox of policy content, level 2"
//
// Children open files by their usual names: the process's filter hands the call to the host, whose
// broker carries it out where the policy's rules or the template's allow it (docs/sandbox.md). So
// this is open(2) with an error that one can act on. What it cannot tell is a rule from the file's
// own permissions: both are EACCES. The host's ForkServer::refused_calls() has the rules' ones.
//
// Ownership: copies the report. Threads: any number at once. Blocks as long as the host takes.
#ifndef CHILD_COMPONENTS_BROKER_CLIENT_H_
#define CHILD_COMPONENTS_BROKER_CLIENT_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "child/components/component.h"
#include "child/components/component_table.h"
#include "child/sandbox/sandbox_report.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class BrokerClient : public Component {
 public:
  static constexpr std::string_view kName = "broker-client";

  // For the types that have a policy, as the table of process types says.
  static ComponentRow Row();

  explicit BrokerClient(const SandboxReport& sandbox) : sandbox_(sandbox) {}

  // open(2); the descriptor is close-on-exec, whatever `flags` say. `mode` is for O_CREAT.
  // InvalidArgument: the path is relative, or has a NUL byte inside.
  absl::StatusOr<UniqueFd> Open(const std::string& path, int flags, mode_t mode = 0600) const;

 private:
  const SandboxReport sandbox_;
};

}  // namespace forkserver

#endif  // CHILD_COMPONENTS_BROKER_CLIENT_H_
