// The attempts in the processes of the process model: launched by their hosts from their types'
// templates, and asked over their top-level actors.
//
//     options.programs = AttemptChildren();
//     options.templates = ProcessTemplates(options.programs);
//     ...
//     auto matrix = ActorMatrix::Start(server, *FindActorColumn("file"));
//     for (const MatrixSubject& subject : MatrixSubjects()) {
//       for (const Attempt* attempt : subject.attempts) {
//         absl::StatusOr<MeasuredAttempt> measured = (*matrix)->Measure(subject, *attempt);
//
// One launch for each attempt, as in measured_matrix.h; from a pool where the type's template has
// one. A child that is still there after its attempt has to end as it is asked to: over its actor,
// with status 0.
//
// Threads: one at a time. Borrows the server, whose prefs it sets as long as it lives.
#ifndef TESTS_SANDBOX_ACTOR_MATRIX_H_
#define TESTS_SANDBOX_ACTOR_MATRIX_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/model/parent_process.h"
#include "tests/sandbox/attempt_host.h"
#include "tests/sandbox/measured_matrix.h"

namespace forkserver::testing {

// A kind of process: each sandboxed type of the table, and content once for each of its templates.
struct ActorColumn {
  std::string name;        // the type's, or the template's
  MatrixColumn column;     // the document's for its policy; of this type
  RemoteType remote_type;  // of content
};

std::span<const ActorColumn> ActorColumns();

// Null: there is none.
const ActorColumn* FindActorColumn(std::string_view name);

class ActorMatrix {
 public:
  static absl::StatusOr<std::unique_ptr<ActorMatrix>> Start(ForkServer& server,
                                                            const ActorColumn& column);
  ActorMatrix(const ActorMatrix&) = delete;
  ActorMatrix& operator=(const ActorMatrix&) = delete;
  ~ActorMatrix();

  absl::StatusOr<MeasuredAttempt> Measure(const MatrixSubject& subject, const Attempt& attempt);

  // Another process of the column's, running.
  absl::StatusOr<std::unique_ptr<AttemptHost>> Launch();
  // Has it break its protocol; how it ended.
  absl::StatusOr<ProcessEnd> Break(AttemptHost& host, Breach breach);
  // Whether the sibling that was launched first still answers.
  absl::Status SiblingIsAlive();

  // What the parent was told of: whom it killed, and for what.
  const std::vector<std::string>& log() const { return log_; }
  const HostTargets& targets() const { return *targets_; }
  // Of its processes; null: they have no sandbox.
  const SandboxReport* report() const { return sibling_->core().process()->sandbox.get(); }

 private:
  ActorMatrix(ForkServer& server, const ActorColumn& column) : server_(server), column_(column) {}

  absl::Status Prepare();
  // Drives the loop until `done`; false after a minute.
  bool Until(const std::function<bool()>& done);
  absl::StatusOr<Sibling> AskSibling();
  absl::StatusOr<std::unique_ptr<AttemptHost>> LaunchFor(const AttemptTargets& targets);
  Try MessageFor(const Attempt& attempt, const AttemptTargets& targets) const;
  absl::StatusOr<AttemptResult> ResultOf(AttemptHost& host, const Attempt& attempt,
                                         const absl::StatusOr<Tried>& tried);

  ForkServer& server_;
  const ActorColumn& column_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<ParentProcess> parent_;
  std::vector<std::string> log_;
  std::unique_ptr<HostTargets> targets_;
  std::unique_ptr<AttemptHost> sibling_;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ACTOR_MATRIX_H_
