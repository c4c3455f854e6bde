// The sessions of docs/debugging.md with gdb, in batch mode: each finds the planted bug.
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver::testing {
namespace {

constexpr char kFolder[] = "tests/forkserver/debugging/";

// Of a shell in which $folder has the program and its scripts, and $temporary is empty.
ProgramResult RunShell(const std::string& commands) {
  const TemporaryFolder temporary;
  return RunProgram({.argv = {"/bin/sh", "-c",
                              "folder=" + std::string(kFolder) + " temporary=" + temporary.path() +
                                  "; " + commands},
                     .environment = VictimEnvironment({"DEBUGINFOD_URLS="})});
}

// The function, and who called it. Bazel strips the rest of what gdb would say of them.
void ExpectTheBug(const ProgramResult& result) {
  const std::string all = result.output + result.errors;
  const size_t bug = result.output.find("#0 ");
  ASSERT_NE(bug, std::string::npos) << all;
  const std::string backtrace = result.output.substr(bug);
  EXPECT_NE(backtrace.find("YearOf"), std::string::npos) << all;
  EXPECT_LT(backtrace.find("YearOf"), backtrace.find("\n#1 ")) << all;
  EXPECT_NE(backtrace.find("Librarian::Answer"), std::string::npos) << all;
}

TEST(Gdb, AttachedToAChildThatWaitsItStopsWhereTheBugIs) {
  const ProgramResult result = RunShell(
      "mkfifo $temporary/errors;"
      "FORKSERVER_DEBUG_CHILD_PAUSE=600 ${folder}library atlantis 2>$temporary/errors &"
      "exec 3<$temporary/errors; "
      // "library" says nothing; its child does.
      "read -r line <&3; echo \"$line\";"
      // As that line says.
      "eval \"gdb -batch -nx -x ${folder}attach.gdb ${line##*; gdb }\";"
      "wait $!; cat <&3");
  ExpectTheBug(result);
  EXPECT_NE(result.output.find("[utility] pid "), std::string::npos) << result.output;
}

TEST(Gdb, FollowsTheChildOfAHost) {
  ExpectTheBug(RunShell("gdb -batch -nx -x ${folder}follow.gdb ${folder}library"));
}

TEST(Gdb, KeepsAHostAndItsChildren) {
  const ProgramResult result = RunShell("gdb -batch -nx -x ${folder}both.gdb ${folder}library");
  ExpectTheBug(result);
  // The child is an inferior of its own.
  EXPECT_NE(result.output.find("\n* 2 "), std::string::npos) << result.output;
}

}  // namespace
}  // namespace forkserver::testing
