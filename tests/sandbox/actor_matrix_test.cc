// docs/sandbox.md is held against what the processes of the process model can do, asked over the
// top-level actor of each type.
#include "tests/sandbox/actor_matrix.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "forkserver/model/process_templates.h"
#include "tests/sandbox/attempt_child.h"
#include "tests/sandbox/matrix_document.h"
#include "tests/testing/host_test.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = AttemptChildren();
  setup.options.templates = ProcessTemplates(setup.options.programs);
  setup.before_start = TryToSetMatrixLimits;
  return setup;
}

namespace testing {
namespace {

void ExpectColumn(ForkServer& server, std::string_view name) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const ActorColumn* const column = FindActorColumn(name);
  ASSERT_NE(column, nullptr);
  const MatrixDocument document;
  absl::StatusOr<std::unique_ptr<ActorMatrix>> matrix = ActorMatrix::Start(server, *column);
  ASSERT_TRUE(matrix.ok()) << matrix.status();
  const SandboxReport* const report = (*matrix)->report();
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->policy, column->column.policy);
  EXPECT_EQ(report->level, kFullSandbox);
  if (const std::string missing = MissingLayer(*report); !missing.empty()) {
    GTEST_SKIP() << missing;
  }
  document.ExpectAll(column->column, **matrix, (*matrix)->targets());
  EXPECT_EQ((*matrix)->log(), std::vector<std::string>());
}

HOST_TEST(ActorMatrix, Content) { ExpectColumn(server, "content"); }
HOST_TEST(ActorMatrix, FileContent) { ExpectColumn(server, "file"); }
HOST_TEST(ActorMatrix, Extension) { ExpectColumn(server, "extension"); }
HOST_TEST(ActorMatrix, Utility) { ExpectColumn(server, "utility"); }
HOST_TEST(ActorMatrix, Dummy) { ExpectColumn(server, "dummy"); }
HOST_TEST(ActorMatrix, Media) { ExpectColumn(server, "media"); }
HOST_TEST(ActorMatrix, DataDecoder) { ExpectColumn(server, "data-decoder"); }
HOST_TEST(ActorMatrix, Socket) { ExpectColumn(server, "socket"); }
HOST_TEST(ActorMatrix, Gpu) { ExpectColumn(server, "gpu"); }
HOST_TEST(ActorMatrix, Vr) { ExpectColumn(server, "vr"); }

TEST(ActorMatrix, HasATestForEachSandboxedProcess) {
  // Above, and no more than those.
  constexpr size_t kTestsOfColumns = 10;
  std::string names;
  for (const ActorColumn& column : ActorColumns()) names += column.name + " ";
  EXPECT_EQ(ActorColumns().size(), kTestsOfColumns) << names;
}

}  // namespace
}  // namespace testing
}  // namespace forkserver
