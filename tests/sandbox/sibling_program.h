// The children of the matrix: one that makes an attempt, or its sibling from the same template.
//
//     absl::StatusOr<std::unique_ptr<TemplateSibling>> sibling =
//         TemplateSibling::Launch(server, options, secret);
//     (*sibling)->Aim(targets);                      // attempts are made at it from here on
//     absl::Status alive = (*sibling)->IsAlive();
//
// The sibling of HostTargets is no sandboxed process and in no namespace: what it is safe from
// says nothing of what two children of one template can do to each other. This one is launched as
// they are, holds the secret in memory, and answers over its channel as long as it lives. A signal
// that reaches it ends it.
//
// Ownership: the child ends with the TemplateSibling. Threads: one at a time.
#ifndef TESTS_SANDBOX_SIBLING_PROGRAM_H_
#define TESTS_SANDBOX_SIBLING_PROGRAM_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/host/fork_server.h"
#include "tests/sandbox/attempt_program.h"
#include "tests/sandbox/sibling_wire.h"

namespace forkserver::testing {

// The argument of a child that signals everybody (SIGUSR1, pid -1) and ends: with 0 if kill(2) says
// that it was done, and untried where it is in the machine's own pid namespace.
inline constexpr char kSignalAll[] = "signal-all";
inline constexpr int kExitOutsideOfNamespace = 97;

class MatrixProgram : public AttemptProgram {
 public:
  int Run(ChildContext& context) override;
};

class TemplateSibling {
 public:
  // `options` say which type and template; `secret` has kSecretBytes.
  static absl::StatusOr<std::unique_ptr<TemplateSibling>> Launch(ForkServer& server,
                                                                 LaunchOptions options,
                                                                 std::string_view secret);

  void Aim(AttemptTargets& targets) const;
  absl::Status IsAlive();
  // Null: it has no sandbox.
  std::shared_ptr<const SandboxReport> report() const { return child_.sandbox; }

 private:
  explicit TemplateSibling(LaunchedChild child) : child_(std::move(child)) {}

  absl::Status Ask(std::string_view question, void* answer, size_t size);

  LaunchedChild child_;
  SiblingSelf self_;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_SIBLING_PROGRAM_H_
