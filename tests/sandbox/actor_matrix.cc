#include "tests/sandbox/actor_matrix.h"

#include <fcntl.h>
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sandbox/answers.h"
#include "tests/sandbox/attempt_child.h"
#include "tests/sandbox/end_of_attempt.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

ActorColumn ColumnFor(std::string_view name, SandboxPolicyId policy, ProcessType type) {
  ActorColumn made = {.name = std::string(name),
                      .column = *FindMatrixColumn(SandboxPolicyName(policy)),
                      .remote_type = {}};
  made.column.type = type;
  return made;
}

std::vector<ActorColumn> MakeColumns() {
  std::vector<ActorColumn> columns;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    if (row.launchable != Launchable::kYes || row.sandbox == SandboxPolicyId::kNone) continue;
    if (row.type != ProcessType::kContent) {
      columns.push_back(ColumnFor(row.name, row.sandbox, row.type));
      continue;
    }
    for (const RemoteTypeRow& remote : RemoteTypeRows()) {
      const bool is_for_documents = remote.kind != RemoteTypeKind::kPrealloc;
      if (remote.template_name.empty() || !is_for_documents) continue;
      bool is_there = false;
      for (const ActorColumn& one : columns) is_there |= one.name == remote.template_name;
      if (is_there) continue;
      ActorColumn made = ColumnFor(remote.template_name, remote.sandbox, row.type);
      made.remote_type.kind = remote.kind;
      columns.push_back(std::move(made));
    }
  }
  return columns;
}

AttemptResult ResultFrom(const Tried& tried) {
  return Answer(tried.outcome, tried.step.view(), tried.error);
}

}  // namespace

std::span<const ActorColumn> ActorColumns() {
  static const std::vector<ActorColumn>& columns = *new std::vector<ActorColumn>(MakeColumns());
  return columns;
}

const ActorColumn* FindActorColumn(std::string_view name) {
  for (const ActorColumn& column : ActorColumns()) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

absl::StatusOr<std::unique_ptr<ActorMatrix>> ActorMatrix::Start(ForkServer& server,
                                                                const ActorColumn& column) {
  std::unique_ptr<ActorMatrix> made(new ActorMatrix(server, column));
  if (absl::Status prepared = made->Prepare(); !prepared.ok()) return prepared;
  return made;
}

ActorMatrix::~ActorMatrix() { server_.SetPrefs({}); }

absl::Status ActorMatrix::Prepare() {
  absl::StatusOr<std::unique_ptr<HostTargets>> targets = HostTargets::Create();
  if (!targets.ok()) return targets.status();
  targets_ = *std::move(targets);
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  absl::StatusOr<std::unique_ptr<ParentProcess>> parent = ParentProcess::Create(
      {.server = server_, .loop = *loop_, .log = [this](std::string_view line) {
         log_.emplace_back(line);
       }});
  if (!parent.ok()) return parent.status();
  parent_ = *std::move(parent);
  PrefsStore prefs;
  const std::string text =
      absl::StrCat("pref(\"", kAttemptPref, "\", \"", kAttemptPrefValue, "\");\n");
  if (!prefs.LoadText(text, "matrix").empty()) return absl::InternalError(text);
  absl::StatusOr<PrefsGeneration> generation = prefs.Publish();
  if (!generation.ok()) return generation.status();
  if (absl::Status set = parent_->SetPrefs(*std::move(generation)); !set.ok()) return set;
  absl::StatusOr<std::unique_ptr<AttemptHost>> sibling = Launch();
  if (!sibling.ok()) return sibling.status();
  sibling_ = *std::move(sibling);
  return SiblingIsAlive();
}

bool ActorMatrix::Until(const std::function<bool()>& done) {
  const int64_t deadline = NowNanos() + 60 * kNanosPerSecond;
  while (!done() && NowNanos() < deadline) loop_->Run(deadline);
  return done();
}

absl::StatusOr<std::unique_ptr<AttemptHost>> ActorMatrix::Launch() {
  const MatrixColumn& column = column_.column;
  std::unique_ptr<AttemptHost> host = AttemptHost::Create(*parent_, column.type);
  HostedLaunch launch = {.remote_type = column_.remote_type,
                         .sandbox = column.policy,
                         // A template's start may be in it, on a machine that is busy.
                         .timeout = absl::Minutes(1)};
  if (column.type == ProcessType::kContent) {
    launch.template_name = RowOf(column_.remote_type.kind).template_name;
  }
  std::optional<absl::Status> launched;
  host->core().WhenLaunched(
      [&](const absl::StatusOr<ProcessHandle>& process) { launched = process.status(); });
  host->core().Launch(std::move(launch));
  if (!Until([&] { return launched.has_value(); })) {
    return absl::DeadlineExceededError(absl::StrCat(host->core().Name(), ": not launched"));
  }
  if (!launched->ok()) return *launched;
  return host;
}

absl::StatusOr<std::unique_ptr<AttemptHost>> ActorMatrix::LaunchFor(const AttemptTargets& targets) {
  while (true) {
    absl::StatusOr<std::unique_ptr<AttemptHost>> host = Launch();
    if (!host.ok()) return host;
    // In a pid namespace of few processes it may have the number that somebody has outside, and
    // would aim at itself.
    const pid_t inner = (*host)->core().process()->times.child.pid;
    if (inner != targets.host_pid && inner != targets.sibling_pid) return host;
  }
}

absl::StatusOr<Sibling> ActorMatrix::AskSibling() {
  const std::string_view secret(targets_->targets().secret, kSecretBytes);
  std::optional<absl::StatusOr<Sibling>> answer;
  const absl::Status asked = sibling_->SendBeSibling(
      {.secret = secret}, [&](absl::StatusOr<Sibling> sibling) { answer = std::move(sibling); });
  if (!asked.ok()) return asked;
  if (!Until([&] { return answer.has_value(); })) {
    return absl::DeadlineExceededError(absl::StrCat(sibling_->core().Name(), ": no answer"));
  }
  return *std::move(answer);
}

absl::Status ActorMatrix::SiblingIsAlive() { return AskSibling().status(); }

Try ActorMatrix::MessageFor(const Attempt& attempt, const AttemptTargets& targets) const {
  Try message = {.attempt = attempt.name, .targets = EncodeTargets(targets), .given = {}};
  for (const GivenDescriptor& given : targets_->descriptors()) {
    GivenField& field = message.given.items.emplace_back();
    field.number = given.number;
    field.descriptor.fd.reset(fcntl(given.fd, F_DUPFD_CLOEXEC, 3));
  }
  return message;
}

absl::StatusOr<AttemptResult> ActorMatrix::ResultOf(AttemptHost& host, const Attempt& attempt,
                                                    const absl::StatusOr<Tried>& tried) {
  if (tried.ok()) host.core().ShutDown(absl::Minutes(1));
  if (!Until([&] { return host.end().has_value(); })) {
    return absl::DeadlineExceededError(absl::StrCat(host.core().Name(), ": does not end"));
  }
  const ProcessEnd& end = *host.end();
  if (!end.exit.ok()) return end.exit.status();
  if (!tried.ok()) return ResultOfEnd(*end.exit, attempt.name);
  if (end.exit->success() && end.port.ok()) return ResultFrom(*tried);
  return absl::InternalError(absl::StrCat("after ", ToString(ResultFrom(*tried)), " it ",
                                          end.ToString(), ", its port: ", end.port.ToString()));
}

absl::StatusOr<MeasuredAttempt> ActorMatrix::Measure(const MatrixSubject& subject,
                                                     const Attempt& attempt) {
  if (absl::Status fresh = targets_->Restore(); !fresh.ok()) return fresh;
  AttemptTargets targets = targets_->targets();
  if (subject.aimed_at == AimedAt::kTemplatesSibling) {
    const absl::StatusOr<Sibling> sibling = AskSibling();
    if (!sibling.ok()) return sibling.status();
    // The one that it has where the attempt is made.
    targets.sibling_pid = sibling_->core().process()->times.child.pid;
    targets.sibling_secret = sibling->secret;
    targets.sibling_slate = sibling->slate;
    targets.sibling_secret_fd = sibling->secret_fd;
  }
  const uint64_t last = LastRefusal(server_);
  absl::StatusOr<std::unique_ptr<AttemptHost>> host = LaunchFor(targets);
  if (!host.ok()) return host.status();
  MeasuredAttempt measured = {.result = {}, .pid = (*host)->core().process()->pid};
  std::optional<absl::StatusOr<Tried>> tried;
  const absl::Status asked =
      (*host)->SendTry(MessageFor(attempt, targets),
                       [&](absl::StatusOr<Tried> answer) { tried = std::move(answer); });
  if (!asked.ok()) return asked;
  if (!Until([&] { return tried.has_value(); })) return absl::DeadlineExceededError("no answer");
  const absl::StatusOr<AttemptResult> result = ResultOf(**host, attempt, *tried);
  if (!result.ok()) return result.status();
  measured.result = *result;
  CollectRefused(server_, last, measured, [this] { loop_->Run(NowNanos() + 5 * kNanosPerMilli); });
  if (absl::Status alive = SiblingIsAlive(); !alive.ok()) return alive;
  const absl::StatusOr<bool> signalled = targets_->SiblingWasSignalled();
  if (!signalled.ok()) return signalled.status();
  if (*signalled && report() != nullptr) return absl::InternalError("its sibling was signalled");
  return measured;
}

absl::StatusOr<ProcessEnd> ActorMatrix::Break(AttemptHost& host, Breach breach) {
  if (absl::Status sent = host.SendMisbehave({.breach = breach}); !sent.ok()) return sent;
  const size_t lines = log_.size();
  if (!Until([&] { return host.end().has_value(); })) {
    return absl::DeadlineExceededError(absl::StrCat(host.core().Name(), ": does not end"));
  }
  // The line that says why it was killed is told a turn later.
  if (!host.end()->killed_for.ok()) Until([&] { return log_.size() > lines; });
  return *host.end();
}

}  // namespace forkserver::testing
