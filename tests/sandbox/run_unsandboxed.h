// Makes an attempt without a sandbox, in a process of its own.
//
//     absl::StatusOr<AttemptResult> result = RunUnsandboxed("read-etc-passwd", host,
//     Bounds::kNone);
//
// The process is started (posix_spawn), never forked; it gets the descriptors that the targets
// name, its stdio and nothing else. As root it is in a mount namespace of its own, so that no other
// process of the machine sees what is mounted. A process that ends otherwise than by an answer is
// read as attempts.h says: killed, or replaced by another program. It is reaped on return.
// Fails where the process could not be started or took more than a minute, or ended without a word.
#ifndef TESTS_SANDBOX_RUN_UNSANDBOXED_H_
#define TESTS_SANDBOX_RUN_UNSANDBOXED_H_

#include <stdint.h>

#include <string_view>

#include "absl/status/statusor.h"
#include "tests/sandbox/attempts.h"
#include "tests/sandbox/host_targets.h"

namespace forkserver::testing {

// To see that attempts are able to fail.
enum class Bounds : uint8_t {
  kNone,     // the user that this process is
  kNobody,   // a user without files, capabilities and groups; for root only
  kNoCalls,  // under a filter that refuses all calls with EPERM, but what brings the answer
};

absl::StatusOr<AttemptResult> RunUnsandboxed(std::string_view name, const HostTargets& host,
                                             Bounds bounds);
// The same, aimed at other targets than the host's own.
absl::StatusOr<AttemptResult> RunUnsandboxed(std::string_view name, const HostTargets& host,
                                             const AttemptTargets& targets,
                                             Bounds bounds = Bounds::kNone);

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_RUN_UNSANDBOXED_H_
