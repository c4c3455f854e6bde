#include "tests/sandbox/measured_matrix.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

std::vector<MatrixSubject> MakeSubjects() {
  std::vector<MatrixSubject> subjects;
  MatrixSubject once_more = {.name = "children of one template",
                             .aimed_at = AimedAt::kTemplatesSibling};
  for (const AttemptSubject& subject : AttemptSubjects()) {
    MatrixSubject made = {.name = std::string(subject.name)};
    for (const Attempt& attempt : subject.attempts) {
      made.attempts.push_back(&attempt);
      if (attempt.name.ends_with("-sibling")) once_more.attempts.push_back(&attempt);
    }
    subjects.push_back(std::move(made));
  }
  subjects.push_back(std::move(once_more));
  return subjects;
}

absl::Status SetLevel(ForkServer& server, const MatrixColumn& column) {
  PrefsStore prefs;
  const std::string text =
      absl::StrCat("pref(\"", SandboxLevelPref(column.policy), "\", ", column.level, ");\n");
  if (!prefs.LoadText(text, "matrix").empty()) return absl::InternalError(text);
  absl::StatusOr<PrefsGeneration> generation = prefs.Publish();
  if (!generation.ok()) return generation.status();
  server.SetPrefs(*std::move(generation));
  return absl::OkStatus();
}

// The oldest first.
std::vector<RefusedCall> RefusedSince(const ForkServer& server, uint64_t last, pid_t pid) {
  std::vector<RefusedCall> records;
  for (RefusedCall& record : server.refused_calls()) {
    if (record.sequence > last && record.pid == pid) records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

std::span<const MatrixSubject> MatrixSubjects() {
  static const std::vector<MatrixSubject>& subjects =
      *new std::vector<MatrixSubject>(MakeSubjects());
  return subjects;
}

std::vector<ChildProgramRow> MatrixPrograms() {
  std::vector<ChildProgramRow> programs;
  for (const ProcessType type : kLaunchableProcessTypes) {
    programs.push_back({type, MakeChildProgram<MatrixProgram>});
  }
  return programs;
}

TemplateOptions MatrixTemplate(const MatrixColumn& column) {
  return {.name = column.name, .sandbox = {.policy = column.policy}, .pool = kNoPool};
}

std::vector<std::string> MatrixColumnNames() {
  std::vector<std::string> names;
  for (const MatrixColumn& column : MatrixColumns()) names.push_back(column.name);
  return names;
}

uint64_t LastRefusal(const ForkServer& server) {
  const std::vector<RefusedCall> records = server.refused_calls();
  return records.empty() ? 0 : records.back().sequence;
}

void CollectRefused(const ForkServer& server, uint64_t last, MeasuredAttempt& measured,
                    const std::function<void()>& dispatch) {
  measured.refused = RefusedSince(server, last, measured.pid);
  const AttemptResult& result = measured.result;
  const bool is_killed = result.outcome == Outcome::kKilled && result.error == SIGKILL;
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (is_killed && measured.refused.empty() && NowNanos() < deadline) {
    dispatch();
    measured.refused = RefusedSince(server, last, measured.pid);
  }
}

absl::Status SetMatrixLimits() {
  // More than any policy leaves, so that it is the policy's limit that is seen; and less than the
  // attempt to lock memory wants, as is usual.
  const rlimit descriptors = {.rlim_cur = 20000, .rlim_max = 20000};
  if (setrlimit(RLIMIT_NOFILE, &descriptors) != 0) return ErrnoStatus(errno, "setrlimit NOFILE");
  const rlimit locked = {.rlim_cur = 8 << 20, .rlim_max = 8 << 20};
  if (setrlimit(RLIMIT_MEMLOCK, &locked) != 0) return ErrnoStatus(errno, "setrlimit MEMLOCK");
  return absl::OkStatus();
}

void TryToSetMatrixLimits() {
  const absl::Status set = SetMatrixLimits();
  if (!set.ok()) fprintf(stderr, "%s\n", set.ToString().c_str());
}

std::string WordOf(const AttemptResult& result) {
  if (result.outcome == Outcome::kRefused) return ErrnoName(result.error);
  if (result.outcome == Outcome::kKilled && result.error != SIGKILL && result.error != SIGSYS) {
    return absl::StrCat("SIG", sigabbrev_np(result.error));
  }
  return std::string(OutcomeName(result.outcome));
}

absl::StatusOr<std::unique_ptr<MeasuredMatrix>> MeasuredMatrix::Start(ForkServer& server,
                                                                      const MatrixColumn& column) {
  std::unique_ptr<MeasuredMatrix> made(new MeasuredMatrix(server, column));
  const absl::Status prepared = made->Prepare();
  if (!prepared.ok()) return prepared;
  return made;
}

MeasuredMatrix::~MeasuredMatrix() { server_.SetPrefs({}); }

LaunchOptions MeasuredMatrix::Options() const {
  // Much longer than any launch: a template's start may be in it, on a machine that is busy.
  return {.type = column_.type, .template_name = column_.name, .timeout = absl::Minutes(1)};
}

absl::Status MeasuredMatrix::Prepare() {
  absl::StatusOr<std::unique_ptr<HostTargets>> host = HostTargets::Create();
  if (!host.ok()) return host.status();
  host_ = *std::move(host);
  // The template reads the level when it starts, so this comes before its first launch.
  if (absl::Status set = SetLevel(server_, column_); !set.ok()) return set;
  LaunchOptions options = Options();
  const std::string_view secret(host_->targets().secret, kSecretBytes);
  absl::StatusOr<std::unique_ptr<TemplateSibling>> sibling =
      TemplateSibling::Launch(server_, std::move(options), secret);
  if (!sibling.ok()) return sibling.status();
  sibling_ = *std::move(sibling);
  report_ = sibling_->report();
  return absl::OkStatus();
}

absl::StatusOr<LaunchedChild> MeasuredMatrix::LaunchAttempt(const Attempt& attempt,
                                                            const AttemptTargets& targets) {
  while (true) {
    LaunchOptions options = Options();
    options.argv = {std::string(attempt.name), EncodeTargets(targets)};
    for (const GivenDescriptor& given : host_->descriptors()) {
      options.Map(given.fd, given.number);
    }
    absl::StatusOr<LaunchedChild> child = server_.Launch(options);
    if (!child.ok()) return child;
    // In a pid namespace of few processes it may have the number that somebody has outside, and
    // would aim at itself.
    const pid_t inner = child->times.child.pid;
    const bool is_its_own_target = inner == targets.host_pid || inner == targets.sibling_pid;
    if (!is_its_own_target) return child;
  }
}

absl::StatusOr<MeasuredAttempt> MeasuredMatrix::Measure(const MatrixSubject& subject,
                                                        const Attempt& attempt) {
  if (absl::Status fresh = host_->Restore(); !fresh.ok()) return fresh;
  AttemptTargets targets = host_->targets();
  if (subject.aimed_at == AimedAt::kTemplatesSibling) sibling_->Aim(targets);
  const uint64_t last = LastRefusal(server_);
  absl::StatusOr<LaunchedChild> child = LaunchAttempt(attempt, targets);
  if (!child.ok()) return child.status();
  MeasuredAttempt measured = {.result = {}, .pid = child->process.pid()};
  absl::StatusOr<AttemptResult> result = AwaitResult(*std::move(child), attempt.name);
  if (!result.ok()) return result.status();
  measured.result = *result;
  CollectRefused(server_, last, measured, [this] { server_.Dispatch(absl::Milliseconds(5)); });
  if (absl::Status alive = sibling_->IsAlive(); !alive.ok()) return alive;
  const absl::StatusOr<bool> signalled = host_->SiblingWasSignalled();
  if (!signalled.ok()) return signalled.status();
  if (*signalled && report_ != nullptr) return absl::InternalError("its sibling was signalled");
  return measured;
}

}  // namespace forkserver::testing
