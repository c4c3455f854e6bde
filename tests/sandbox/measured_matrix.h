// The matrix of docs/sandbox.md, measured: every attempt in the children of a sandboxed template.
//
//     options.programs = MatrixPrograms();
//     options.templates = {MatrixTemplate(column)};
//     ...
//     absl::StatusOr<std::unique_ptr<MeasuredMatrix>> matrix =
//         MeasuredMatrix::Start(server, column);
//     for (const MatrixSubject& subject : MatrixSubjects()) {
//       for (const Attempt* attempt : subject.attempts) {
//         absl::StatusOr<MeasuredAttempt> measured = (*matrix)->Measure(subject, *attempt);
//         WordOf(measured->result)                         // "EACCES", "killed", "done"
//
// One launch for each attempt, from the column's own template, with the targets fresh. The last
// subject is the attempts at siblings once more, at a child of the same template.
//
// Threads: one at a time. A measurement borrows the server and the column, and has the
// server's prefs as long as it lives.
#ifndef TESTS_SANDBOX_MEASURED_MATRIX_H_
#define TESTS_SANDBOX_MEASURED_MATRIX_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/host/fork_server.h"
#include "tests/sandbox/attempts.h"
#include "tests/sandbox/host_targets.h"
#include "tests/sandbox/matrix_columns.h"
#include "tests/sandbox/sibling_program.h"

namespace forkserver::testing {

enum class AimedAt : uint8_t {
  kHostsSibling,      // the process that HostTargets starts, outside of any sandbox
  kTemplatesSibling,  // another child of the same template
};

struct MatrixSubject {
  std::string name;  // the section's
  AimedAt aimed_at = AimedAt::kHostsSibling;
  std::vector<const Attempt*> attempts = {};
};

std::span<const MatrixSubject> MatrixSubjects();

std::vector<ChildProgramRow> MatrixPrograms();
// Of the column's name, and without a pool: each child is forked for its attempt.
TemplateOptions MatrixTemplate(const MatrixColumn& column);
std::vector<std::string> MatrixColumnNames();

struct MeasuredAttempt {
  AttemptResult result;
  pid_t pid = -1;
  // What the host recorded of the child, the oldest first.
  std::vector<RefusedCall> refused = {};
};

// The number of the host's last record; 0: there is none.
uint64_t LastRefusal(const ForkServer& server);
// Sets measured.refused: what was recorded of measured.pid behind that one. Of a call that a child
// is ended for, its end may be seen before the record is made: then, `dispatch` runs what may bring
// it.
void CollectRefused(const ForkServer& server, uint64_t last, MeasuredAttempt& measured,
                    const std::function<void()>& dispatch);

// Sets the limits of this process that cells depend on and machines differ in, for it and all that
// it starts: before Start.
absl::Status SetMatrixLimits();
// The same for HostSetup::before_start: where it fails, stderr says so.
void TryToSetMatrixLimits();

// An outcome, or the errno of a refusal. A kill is the sandbox's (SIGKILL by the host, SIGSYS by
// the filter); another signal is called by its name, which is no word of the matrix.
std::string WordOf(const AttemptResult& result);

class MeasuredMatrix {
 public:
  // Starts the template at the column's level.
  static absl::StatusOr<std::unique_ptr<MeasuredMatrix>> Start(ForkServer& server,
                                                               const MatrixColumn& column);
  MeasuredMatrix(const MeasuredMatrix&) = delete;
  MeasuredMatrix& operator=(const MeasuredMatrix&) = delete;
  ~MeasuredMatrix();

  absl::StatusOr<MeasuredAttempt> Measure(const MatrixSubject& subject, const Attempt& attempt);

  // A launch from the column's template.
  LaunchOptions Options() const;

  absl::Status SiblingIsAlive() { return sibling_->IsAlive(); }
  const HostTargets& host() const { return *host_; }
  // Of the template's children; null: they have no sandbox.
  const SandboxReport* report() const { return report_.get(); }

 private:
  MeasuredMatrix(ForkServer& server, const MatrixColumn& column)
      : server_(server), column_(column) {}

  absl::Status Prepare();
  absl::StatusOr<LaunchedChild> LaunchAttempt(const Attempt& attempt,
                                              const AttemptTargets& targets);

  ForkServer& server_;
  const MatrixColumn& column_;
  std::unique_ptr<HostTargets> host_;
  std::unique_ptr<TemplateSibling> sibling_;
  std::shared_ptr<const SandboxReport> report_;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_MEASURED_MATRIX_H_
