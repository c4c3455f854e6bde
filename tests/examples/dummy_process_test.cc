// The worked example of a process type, run as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using testing::ProgramResult;
using testing::RunProgram;

constexpr char kProgram[] = "examples/dummy_process/dummy_process";
constexpr char kOutput[] =
    "the parent asked, and was told: Have you tried turning it off and on again?\n"
    "dummy 1 exited with status 0\n"
    "content 2 (webIsolated=https://caller.test) asked, and was told: "
    "Have you tried turning it off and on again?\n"
    "dummy 3 exited with status 0\n"
    "content 2 (webIsolated=https://caller.test) exited with status 0\n";

TEST(DummyProcess, BothCallersAreAssistedAndEveryProcessEndsCleanly) {
  const ProgramResult result = RunProgram(std::vector<std::string>{kProgram});
  EXPECT_EQ(result.exit_code, 0) << result.how;
  EXPECT_EQ(result.output, kOutput);
  EXPECT_EQ(result.errors, "");
}

TEST(DummyProcess, OutputThatCannotBeWrittenIsAnError) {
  const ProgramResult result = RunProgram(
      std::vector<std::string>{"/bin/sh", "-c", std::string("exec ") + kProgram + " >/dev/full"});
  EXPECT_EQ(result.exit_code, 1) << result.how;
  EXPECT_EQ(result.errors, "dummy_process: write to stdout failed\n");
}

TEST(DummyProcess, TakesNoArguments) {
  const ProgramResult result = RunProgram(std::vector<std::string>{kProgram, "--help"});
  EXPECT_EQ(result.exit_code, 1) << result.how;
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.errors, "dummy_process: usage: dummy_process\n");
}

// The template gets the layers that there are, and the child finds itself in its policy.
TEST(DummyProcess, WorksWhereNoProcessMayHaveAUserNamespace) {
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/usr/bin/unshare", "--user", "--map-root-user", "/bin/sh", "-c",
      std::string("echo 0 >/proc/sys/user/max_user_namespaces && exec ") + kProgram});
  EXPECT_EQ(result.exit_code, 0) << result.how << result.errors;
  EXPECT_EQ(result.output, kOutput);
}

// All of its children are exec'ed then, and it needs no template.
TEST(DummyProcess, DoesTheSameWhereItsChildrenWaitForADebugger) {
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/bin/sh", "-c", std::string("FORKSERVER_DEBUG_CHILD_PAUSE=1 exec ") + kProgram});
  EXPECT_EQ(result.exit_code, 0) << result.how;
  EXPECT_EQ(result.output, kOutput);
  const std::regex waits(R"(\[(\w+)\] pid (\d+): waiting 1 s for a debugger; gdb .*-p \2)");
  std::vector<std::string> types;
  for (const std::string& line : testing::Lines(result.errors)) {
    std::smatch parts;
    if (std::regex_match(line, parts, waits)) types.push_back(parts[1]);
  }
  EXPECT_EQ(types, (std::vector<std::string>{"dummy", "content", "dummy"})) << result.errors;
}

// What each actor says in the message log, in the order of the times, and as whom.
struct ActorsLog {
  std::vector<std::string> lines;  // "Sending  PDummy::Goodbye"
  std::set<std::string> pids;      // "63096->63085", the peer's own way round too
};

std::map<std::string, ActorsLog> LogsOf(const ProgramResult& result) {
  static const std::regex kLine(R"(\[time: (\d+)\]\[(\d+)(?:->|<-)(\d+|\?)\] \[(\w+)\] (.*))");
  std::multimap<long long, std::smatch> by_time;
  const std::vector<std::string> lines = testing::Lines(result.errors);
  for (const std::string& line : lines) {
    std::smatch parts;
    if (std::regex_match(line, parts, kLine)) {
      by_time.emplace(std::stoll(parts[1]), parts);
    } else {
      ADD_FAILURE() << "no line of the log: " << line;
    }
  }
  std::map<std::string, ActorsLog> logs;
  for (const auto& [time, parts] : by_time) {
    ActorsLog& log = logs[parts[4]];
    log.lines.push_back(parts[5]);
    // Before its process is there nobody has a pid for it.
    if (parts[3] != "?") log.pids.insert(parts[2].str() + " " + parts[3].str());
  }
  return logs;
}

std::set<std::string> TheOtherWayRound(const std::set<std::string>& pids) {
  std::set<std::string> reversed;
  for (const std::string& pair : pids) {
    const size_t space = pair.find(' ');
    reversed.insert(pair.substr(space + 1) + " " + pair.substr(0, space));
  }
  return reversed;
}

ProgramResult RunShell(const std::string& command) {
  return RunProgram(std::vector<std::string>{"/bin/sh", "-c", command});
}

// Two dummy processes, one after the other, each in a sandbox with a pid namespace.
TEST(MessageLogOfDummyProcess, HasBothSidesOfTheActorsThatAreNamedUnderTheSamePids) {
  const ProgramResult result =
      RunShell(std::string("FORKSERVER_IPC_LOG=PDummyParent,PDummyChild exec ") + kProgram);
  EXPECT_EQ(result.exit_code, 0) << result.how;
  EXPECT_EQ(result.output, kOutput);
  const auto logs = LogsOf(result);
  ASSERT_EQ(logs.size(), 2u) << result.errors;
  const std::vector<std::string> of_parent = {
      "Sending  PDummy::Msg_AnswerHotline", "Received  PDummy::Goodbye",
      "Sending  PDummy::Msg_AnswerHotline", "Received  PDummy::Goodbye"};
  const std::vector<std::string> of_child = {
      "Received  PDummy::Msg_AnswerHotline", "Sending  PDummy::Goodbye",
      "Received  PDummy::Msg_AnswerHotline", "Sending  PDummy::Goodbye"};
  EXPECT_EQ(logs.at("PDummyParent").lines, of_parent);
  EXPECT_EQ(logs.at("PDummyChild").lines, of_child);
  EXPECT_EQ(logs.at("PDummyParent").pids.size(), 2u) << "two processes";
  EXPECT_EQ(logs.at("PDummyChild").pids, TheOtherWayRound(logs.at("PDummyParent").pids));
}

TEST(MessageLogOfDummyProcess, HasTheContentProcessInItsSandbox) {
  const ProgramResult result = RunShell(std::string("FORKSERVER_IPC_LOG=all exec ") + kProgram);
  EXPECT_EQ(result.exit_code, 0) << result.how;
  const auto logs = LogsOf(result);
  ASSERT_EQ(logs.size(), 6u) << result.errors;
  EXPECT_THAT(logs.at("PCallerChild").lines,
              ::testing::ElementsAre(
                  "Received  PCaller::Msg_BrowserOpened", "Received  PCaller::Msg_BeAssisted",
                  "Sending  PCaller::Msg_OpenHotline", "Received reply PCaller::Reply_OpenHotline",
                  "Sending reply PCaller::Reply_BeAssisted", "Received  PCaller::Msg_BrowserClosed",
                  "Sending reply PCaller::Reply_BrowserClosed", "Received  PCaller::Sentinel",
                  "Sending  PCaller::SentinelAnswer", "Received  PCaller::Goodbye"));
  EXPECT_EQ(logs.at("PCallerChild").pids.size(), 1u);
  EXPECT_EQ(logs.at("PCallerChild").pids, TheOtherWayRound(logs.at("PCallerParent").pids));
  // Once from the parent process and once from the content process.
  EXPECT_THAT(
      logs.at("PHotlineChild").lines,
      ::testing::ElementsAre(
          "Received  PHotline::Msg_GetAssistance", "Sending reply PHotline::Reply_GetAssistance",
          "Received  PHotline::Goodbye", "Received  PHotline::Msg_GetAssistance",
          "Sending reply PHotline::Reply_GetAssistance", "Received  PHotline::Goodbye"));
  EXPECT_EQ(logs.at("PHotlineChild").pids, TheOtherWayRound(logs.at("PHotlineParent").pids));
}

TEST(MessageLogOfDummyProcess, ChangesNothingWhateverStderrIs) {
  for (const std::string stderr_is : {"2>&-", "2>/dev/null", "2>/dev/full", "2<>/dev/null"}) {
    const ProgramResult result =
        RunShell(std::string("FORKSERVER_IPC_LOG=all exec ") + kProgram + " " + stderr_is);
    EXPECT_EQ(result.exit_code, 0) << stderr_is << ": " << result.how;
    EXPECT_EQ(result.output, kOutput) << stderr_is;
  }
}

TEST(MessageLogOfDummyProcess, ChangesNothingWhereTheReaderOfStderrIsGone) {
  const ProgramResult result = RunShell(std::string("{ { FORKSERVER_IPC_LOG=all ") + kProgram +
                                        " >&3; echo \"ends with $?\" >&3; } 2>&1 | true; } 3>&1");
  EXPECT_EQ(result.output, std::string(kOutput) + "ends with 0\n");
}

// A pipe that blocks, and is full before the first line.
TEST(MessageLogOfDummyProcess, ChangesNothingWhereNobodyReadsStderr) {
  const testing::TemporaryFolder folder;
  const std::string pipe = folder.path() + "/pipe";
  const ProgramResult result =
      RunShell("mkfifo " + pipe + " && exec 5<>" + pipe + " && head -c 65536 /dev/zero >&5 && " +
               "FORKSERVER_IPC_LOG=all exec " + kProgram + " 2>&5");
  EXPECT_EQ(result.exit_code, 0) << result.how << result.errors;
  EXPECT_EQ(result.output, kOutput);
}

}  // namespace
}  // namespace forkserver
