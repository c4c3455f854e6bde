// docs/sandbox.md is held against what sandboxed children can do: each cell of its table.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sandbox/matrix_document.h"
#include "tests/sandbox/measured_matrix.h"
#include "tests/testing/host_test.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = MatrixPrograms();
  for (const MatrixColumn& column : MatrixColumns()) {
    setup.options.templates.push_back(MatrixTemplate(column));
  }
  setup.before_start = TryToSetMatrixLimits;
  return setup;
}

namespace testing {
namespace {

TEST(SandboxMatrix, HasARowForEachAttemptAndAnAttemptForEachRow) {
  const MatrixDocument document;
  const MatrixTable& table = document.table();
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

void ExpectColumn(ForkServer& server, std::string_view name) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const MatrixColumn* const column = FindMatrixColumn(name);
  ASSERT_NE(column, nullptr);
  const MatrixDocument document;
  absl::StatusOr<std::unique_ptr<MeasuredMatrix>> matrix = MeasuredMatrix::Start(server, *column);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const SandboxReport* const report = (*matrix)->report();
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->policy, column->policy);
  EXPECT_EQ(report->level, column->level);
  if (const std::string missing = MissingLayer(*report); !missing.empty()) {
    GTEST_SKIP() << missing;
  }
  document.ExpectAll(*column, **matrix, (*matrix)->host());
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
