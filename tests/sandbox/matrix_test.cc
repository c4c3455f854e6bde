// docs/sandbox.md is held against what sandboxed children can do: each cell of its table.
#include <gtest/gtest.h>
#include <seccomp.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "child/sandbox/sandbox_policy.h"
#include "tests/sandbox/matrix_table.h"
#include "tests/sandbox/measured_matrix.h"
#include "tests/sandbox/run_unsandboxed.h"
#include "tests/testing/host_test.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = MatrixPrograms();
  for (const MatrixColumn& column : MatrixColumns()) {
    setup.options.templates.push_back(MatrixTemplate(column));
  }
  setup.before_start = [] {
    const absl::Status set = SetMatrixLimits();
    if (!set.ok()) fprintf(stderr, "%s\n", set.ToString().c_str());
  };
  return setup;
}

namespace testing {
namespace {

MatrixTable ReadDocument() {
  std::ifstream file("docs/sandbox.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::vector<std::string> columns = MatrixColumnNames();
  absl::StatusOr<MatrixTable> table = ReadMatrix(text, columns);
  EXPECT_TRUE(table.ok()) << "docs/sandbox.md: " << table.status();
  return table.ok() ? *std::move(table) : MatrixTable();
}

TEST(SandboxMatrix, HasARowForEachAttemptAndAnAttemptForEachRow) {
  const MatrixTable table = ReadDocument();
  EXPECT_EQ(table.sections.size(), MatrixSubjects().size());
  for (const MatrixSubject& subject : MatrixSubjects()) {
    const MatrixSection* const section = table.Find(subject.name);
    ASSERT_NE(section, nullptr) << subject.name;
    std::set<std::string> attempts;
    for (const Attempt* const attempt : subject.attempts) {
      attempts.insert(std::string(attempt->name));
      const MatrixRow* const row = section->Find(attempt->name);
      ASSERT_NE(row, nullptr) << attempt->name << " has no row";
      EXPECT_EQ(row->what, attempt->what) << attempt->name;
    }
    for (const MatrixRow& row : section->rows) {
      EXPECT_EQ(attempts.count(row.attempt), 1u) << row.attempt << " is no attempt";
    }
  }
}

// What a machine has not got is no refusal, unless it is there without a sandbox.
bool IsOnThisMachine(const MeasuredMatrix& matrix, const Attempt& attempt) {
  const absl::StatusOr<AttemptResult> result =
      RunUnsandboxed(attempt.name, matrix.host(), Bounds::kNone);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() && result->outcome != Outcome::kUnavailable;
}

bool IsRecorded(const MeasuredAttempt& measured, CallOutcome outcome, std::string_view call) {
  for (const RefusedCall& record : measured.refused) {
    if (record.outcome == outcome && !record.call.empty() &&
        (call.empty() || (record.call == call && record.error == measured.result.error))) {
      return true;
    }
  }
  return false;
}

// Where the filter says no whatever the arguments are. What each child's own small filter takes
// away (own_layers.h) the kernel answers by itself.
bool FilterRefuses(const SandboxPolicy& policy, const std::string& call) {
  const int number = seccomp_syscall_resolve_name(call.c_str());
  if (number < 0 || call == "clone3" || call == "seccomp" || call == "mremap") return false;
  const auto rule = policy.calls.rules().find(number);
  if (rule == policy.calls.rules().end()) return true;
  const bool is_asked =
      policy.calls.AnswerTo(number).kind == CallAnswer::Kind::kAsk;  // by the broker's own rules
  if (policy.calls.AnswerTo(number).told == HostIsTold::kNo) return false;
  return !is_asked && !rule->second.is_allowed && rule->second.allowed_when.empty();
}

// A child that the sandbox ended, or refused a call, must be in the host's records: by its pid, its
// type and the name of the call.
void ExpectRecord(const MatrixColumn& column, const SandboxPolicy& policy, const Attempt& attempt,
                  const MeasuredAttempt& measured) {
  const AttemptResult& result = measured.result;
  for (const RefusedCall& record : measured.refused) {
    EXPECT_EQ(record.type, column.type) << attempt.name << ": " << ToString(record);
  }
  // Another architecture's call is ended by the kernel (SIGSYS), and asked of nobody.
  if (result.outcome == Outcome::kKilled && result.error == SIGKILL) {
    EXPECT_TRUE(IsRecorded(measured, CallOutcome::kKilled, "")) << attempt.name;
  }
  const std::string step(result.step);
  const std::string call = step.substr(0, step.find(' '));
  if (result.outcome == Outcome::kRefused && FilterRefuses(policy, call)) {
    EXPECT_TRUE(IsRecorded(measured, CallOutcome::kRefused, call))
        << attempt.name << ": " << ToString(result) << ", but there is no record of it";
  }
}

void ExpectColumn(ForkServer& server, std::string_view name) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const MatrixColumn* const column = FindMatrixColumn(name);
  ASSERT_NE(column, nullptr);
  size_t index = 0;
  while (MatrixColumns()[index].name != name) ++index;
  const MatrixTable table = ReadDocument();
  const SandboxPolicy policy = MakeSandboxPolicy(column->policy);
  absl::StatusOr<std::unique_ptr<MeasuredMatrix>> matrix = MeasuredMatrix::Start(server, *column);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const SandboxReport* const report = (*matrix)->report();
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->policy, column->policy);
  EXPECT_EQ(report->level, column->level);
  if (const SandboxLayer missing = FirstMissing(*report, kAllSandboxLayers);
      missing != SandboxLayer::kCount) {
    GTEST_SKIP() << "this machine has no " << SandboxLayerName(missing) << ": "
                 << LayerStateText((*report)[missing]);
  }
  for (const MatrixSubject& subject : MatrixSubjects()) {
    const MatrixSection* const section = table.Find(subject.name);
    ASSERT_NE(section, nullptr) << subject.name;
    for (const Attempt* const attempt : subject.attempts) {
      const MatrixRow* const row = section->Find(attempt->name);
      ASSERT_NE(row, nullptr) << attempt->name;
      const absl::StatusOr<MeasuredAttempt> measured = (*matrix)->Measure(subject, *attempt);
      ASSERT_TRUE(measured.ok()) << attempt->name << ": " << measured.status();
      const std::string& expected = row->words[index];
      if (measured->result.outcome == Outcome::kUnavailable && expected != "unavailable" &&
          !IsOnThisMachine(**matrix, *attempt)) {
        printf("%s: not on this machine\n", std::string(attempt->name).c_str());
        continue;
      }
      EXPECT_EQ(WordOf(measured->result), expected)
          << subject.name << ": " << attempt->name << ": " << ToString(measured->result);
      ExpectRecord(*column, policy, *attempt, *measured);
    }
  }
}

HOST_TEST(SandboxMatrix, Content) { ExpectColumn(server, "content"); }
HOST_TEST(SandboxMatrix, FileContent) { ExpectColumn(server, "file-content"); }
HOST_TEST(SandboxMatrix, Extension) { ExpectColumn(server, "extension"); }
HOST_TEST(SandboxMatrix, Media) { ExpectColumn(server, "media"); }
HOST_TEST(SandboxMatrix, DataDecoder) { ExpectColumn(server, "data-decoder"); }
HOST_TEST(SandboxMatrix, Utility) { ExpectColumn(server, "utility"); }
HOST_TEST(SandboxMatrix, Socket) { ExpectColumn(server, "socket"); }
HOST_TEST(SandboxMatrix, Gpu) { ExpectColumn(server, "gpu"); }
HOST_TEST(SandboxMatrix, Vr) { ExpectColumn(server, "vr"); }
HOST_TEST(SandboxMatrix, ComputeOnly) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer asks for its signal stack, which this policy refuses";
#endif
  ExpectColumn(server, "compute-only");
}
HOST_TEST(SandboxMatrix, ContentWithoutNamespaces) { ExpectColumn(server, "content, level 1"); }

TEST(SandboxMatrix, HasATestForEachColumn) {
  // Above, and no more than those.
  constexpr size_t kTestsOfColumns = 11;
  EXPECT_EQ(MatrixColumns().size(), kTestsOfColumns);
}

// kill(2) says 0 for pid -1 where there is anybody, also when each was refused: the matrix has
// `done` there, so this looks at who was reached.
HOST_TEST(SandboxMatrix, ASignalToEverybodyReachesNobody) {
  absl::StatusOr<std::unique_ptr<MeasuredMatrix>> matrix =
      MeasuredMatrix::Start(server, *FindMatrixColumn("content"));
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const std::optional<pid_t> init = StatusOf(server, "content").init_pid;
  LaunchOptions options = (*matrix)->Options();
  options.argv = {kSignalAll};
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<ExitStatus> status = child->process.Wait(absl::Minutes(1));
  ASSERT_TRUE(status.ok()) << status.status();
  if (status->code == kExitOutsideOfNamespace) GTEST_SKIP() << "no pid namespace here";
  EXPECT_EQ(status->ToString(), "exited with status 0");
  EXPECT_TRUE((*matrix)->SiblingIsAlive().ok());
  EXPECT_EQ(StatusOf(server, "content").init_pid, init);
}

HOST_TEST(SandboxLevel, OffIsNoSandbox) {
  MatrixColumn column = *FindMatrixColumn("content");
  column.level = kSandboxOff;
  absl::StatusOr<std::unique_ptr<MeasuredMatrix>> matrix = MeasuredMatrix::Start(server, column);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  EXPECT_EQ((*matrix)->report(), nullptr);
  for (const char* const name : {"read-etc-passwd", "socket-inet", "fork"}) {
    const absl::StatusOr<MeasuredAttempt> measured =
        (*matrix)->Measure(MatrixSubjects()[0], *FindAttempt(name));
    ASSERT_TRUE(measured.ok()) << measured.status();
    EXPECT_EQ(WordOf(measured->result), "done") << name << ": " << ToString(measured->result);
    EXPECT_TRUE(measured->refused.empty());
  }
}

HOST_TEST(SandboxLevel, OneHasAllLayersButNamespaces) {
  absl::StatusOr<std::unique_ptr<MeasuredMatrix>> matrix =
      MeasuredMatrix::Start(server, *FindMatrixColumn("content, level 1"));
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const SandboxReport* const report = (*matrix)->report();
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->level, kSandboxWithoutNamespaces);
  for (size_t i = 0; i < kSandboxLayerCount; ++i) {
    const auto layer = static_cast<SandboxLayer>(i);
    const bool is_of_namespaces = layer <= SandboxLayer::kEmptyRoot;
    // This policy has a broker, which looks in.
    const bool is_wanted = !is_of_namespaces && layer != SandboxLayer::kNotDumpable;
    EXPECT_EQ((*report)[layer].outcome != LayerOutcome::kNotWanted, is_wanted)
        << SandboxLayerName(layer);
  }
}

}  // namespace
}  // namespace testing
}  // namespace forkserver
