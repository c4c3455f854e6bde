// about:processes as its user sees it: at a terminal, in a pipe, and as JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/examples/run_browser_host.h"
#include "tests/forkserver/launcher/started_program.h"
#include "tests/forkserver/launcher/terminal.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEnter[] = "\x1b[?1049h";
constexpr char kLeave[] = "\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";

class AboutProcesses : public BrowserHost {
 protected:
  AboutProcesses() {
    Write("a/1.html", "<title>1</title>");
    Write("a/2.html", "<title>2</title>");
    Write("b/3.html", "<title>3</title>");
  }
};

TEST_F(AboutProcesses, AsJsonHasEveryProcess) {
  const ProgramResult result = Run({"about:processes", "--json", "--container", "2", folder_});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const nlohmann::json document = nlohmann::json::parse(result.output, nullptr, false);
  ASSERT_FALSE(document.is_discarded()) << result.output;
  std::map<std::string, int> roles;
  std::vector<std::string> remote_types;
  for (const nlohmann::json& process : document["processes"]) {
    if (process["pid"].is_null()) continue;
    ++roles[process["role"]];
    EXPECT_GT(process["memory"]["private"], 0) << process;
    // A blank may have been forked this instant.
    if (process["role"] != "blank") {
      EXPECT_GT(process["minor_faults"], 0) << process;
    }
    EXPECT_TRUE(process["missing"].empty()) << process;
    if (process["role"] != "child") continue;
    remote_types.push_back(process["remote_type"]);
    EXPECT_EQ(process["template"], "content");
    EXPECT_THAT(std::string(process["name"]), HasSubstr(", container 2)"));
  }
  EXPECT_THAT(remote_types,
              ::testing::UnorderedElementsAre("webIsolated=https://a.test^userContextId=2",
                                              "webIsolated=https://b.test^userContextId=2"));
  bool has_heap = false;
  for (const nlohmann::json& one : document["templates"]) {
    EXPECT_TRUE(one["missing"].empty()) << one;
    for (const nlohmann::json& region : one["regions"]) has_heap |= region["of"] == "[heap]";
  }
  EXPECT_TRUE(has_heap) << document["templates"];
  EXPECT_EQ(roles["host"], 1);
  EXPECT_EQ(roles["seed"], 1);
  EXPECT_GE(roles["template"], 2);
}

TEST_F(AboutProcesses, WithoutATerminalIsOneTableWithoutEscapes) {
  const ProgramResult result = Run({"about:processes", folder_});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("https://a.test ("), HasSubstr("https://b.test ("),
                                   HasSubstr("Template content ("), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(Lines(result.output)[0].substr(0, 4), "NAME");
}

TEST_F(AboutProcesses, PageThatCannotBeOpenedIsALineBesideIt) {
  const std::string large = Write("large/page.html", "");
  std::filesystem::resize_file(large, (64 << 20) + 1);
  const ProgramResult result = Run({"about:processes", folder_});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors,
              ::testing::ContainsRegex("https://large.test/page.html: .*larger than 64 MiB\n"
                                       "1 of 4 pages has an error\n"));
  EXPECT_THAT(result.output, HasSubstr("https://a.test ("));
}

TEST_F(AboutProcesses, EditOfAPrefBesideItIsDone) {
  const ProgramResult result =
      Run({"about:processes", "about:config?set=permissions.default.image=2", folder_});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, Not(HasSubstr("about:config")));
  EXPECT_THAT(result.output, HasSubstr("https://a.test ("));
}

TEST_F(AboutProcesses, WhatItIsNotAskedForWithIsAUsageError) {
  EXPECT_EQ(Run({"--json", folder_}).exit_code, 2);
  EXPECT_EQ(Run({"about:processes", "--print-prefs", folder_}).exit_code, 2);
  EXPECT_EQ(Run({"about:processes", "--sandbox-report"}).exit_code, 2);
}

// A user at a terminal.
class AtATerminal : public AboutProcesses {
 protected:
  explicit AtATerminal(const std::vector<std::string>& options = {},
                       std::vector<std::string> environment = {}) {
    Resize(200, 50);
    EXPECT_EQ(tcgetattr(terminal_.fd(), &before_), 0);
    std::vector<std::string> argv = {kProgram, "about:processes", folder_};
    argv.insert(argv.end(), options.begin(), options.end());
    program_.emplace(StartedProgramOptions{.argv = std::move(argv),
                                           .added_environment = std::move(environment),
                                           .terminal = terminal_.name()});
  }

  void Resize(unsigned short columns, unsigned short rows) {
    const winsize size = {.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ASSERT_EQ(ioctl(terminal_.fd(), TIOCSWINSZ, &size), 0);
  }

  void Type(const std::string& text) { terminal_.Type(text); }
  // What came before is in `before_it`.
  ::testing::AssertionResult Shows(const std::string& text) {
    return terminal_.Shows(text, &before_it);
  }

  // The one that was there before is.
  void ExpectTheTerminalIsRestored() {
    termios after;
    ASSERT_EQ(tcgetattr(terminal_.fd(), &after), 0);
    EXPECT_EQ(after.c_lflag, before_.c_lflag);
    EXPECT_EQ(after.c_cc[VSUSP], before_.c_cc[VSUSP]);
  }

  Terminal terminal_;
  termios before_ = {};
  std::optional<StartedProgram> program_;
  std::string before_it;
};

TEST_F(AtATerminal, TableIsRedrawnUntilQ) {
  ASSERT_TRUE(Shows(kEnter));
  for (const std::string name : {"https://a.test (", "https://b.test ("}) {
    // Which frame has it is the pages' affair.
    ASSERT_TRUE(Shows(name));
  }
  ASSERT_TRUE(Shows(kHome));
  ASSERT_TRUE(Shows(kHome));
  EXPECT_THAT(before_it, AllOf(HasSubstr("NAME "), HasSubstr("https://b.test ("),
                               HasSubstr("Template content (")));
  termios during;
  ASSERT_EQ(tcgetattr(terminal_.fd(), &during), 0);
  EXPECT_EQ(during.c_lflag & (ICANON | ECHO), 0u);
  Type("q");
  ASSERT_TRUE(Shows(kLeave));
  EXPECT_EQ(forkserver::testing::Describe(program_->Wait()), "exited with 0");
  ExpectTheTerminalIsRestored();
}

class AtATerminalWithReports : public AtATerminal {
 protected:
  AtATerminalWithReports()
      : AtATerminal({"--crash-reports", kReports, "--telemetry", kTelemetry}) {}
  ~AtATerminalWithReports() override {
    std::filesystem::remove_all(kReports);
    std::filesystem::remove(kTelemetry);
  }

  static inline const std::string kPrefix =
      std::filesystem::temp_directory_path() / ("about-processes-" + std::to_string(getpid()));
  static inline const std::string kReports = kPrefix + "-reports";
  static inline const std::string kTelemetry = kPrefix + "-telemetry.json";
};

TEST_F(AtATerminalWithReports, PageThatCrashesIsReportedCountedAndGone) {
  constexpr char kPage[] = "https://a.test (";
  ASSERT_TRUE(Shows(kPage));
  ASSERT_TRUE(Shows(")"));
  const std::string page = before_it;
  ASSERT_EQ(kill(std::stoi(page), SIGSEGV), 0);
  // The frame under way may still have it.
  for (int frame = 0; frame < 2; ++frame) ASSERT_TRUE(Shows(kHome));
  ASSERT_TRUE(Shows(kHome));
  EXPECT_THAT(before_it, Not(HasSubstr(kPage)));
  Type("q");
  // The table would have hidden it.
  ASSERT_TRUE(Shows(kLeave));
  ASSERT_TRUE(Shows("crash pid " + page + ": " + kReports));
  EXPECT_EQ(forkserver::testing::Describe(program_->Wait()), "exited with 0");
  std::ifstream file(kTelemetry);
  const nlohmann::json telemetry = nlohmann::json::parse(file);
  EXPECT_EQ(telemetry.at("deaths").at("content").at("crashes"), 1);
  EXPECT_EQ(telemetry.at("crash_reports").at("content").at("written"), 1);
}

class AtATerminalDebugged : public AtATerminal {
 protected:
  AtATerminalDebugged() : AtATerminal({}, {"FORKSERVER_DEBUG_CHILD_PAUSE=600:content"}) {}
};

// A model's patience after it.
TEST_F(AtATerminalDebugged, CtrlCEndsChildrenThatWaitForADebugger) {
  ASSERT_TRUE(Shows(" waiting 600 s for a debugger"));
  Type("\x03");
  EXPECT_EQ(forkserver::testing::Describe(program_->Wait()), "exited with 130");
}

TEST_F(AtATerminal, CtrlCEndsItAndGivesTheTerminalBack) {
  ASSERT_TRUE(Shows("https://b.test ("));
  Type("\x03");
  ASSERT_TRUE(Shows(kLeave));
  EXPECT_EQ(forkserver::testing::Describe(program_->Wait()), "exited with 130");
  ExpectTheTerminalIsRestored();
}

TEST_F(AtATerminal, NarrowOneHasNarrowLinesAndItsRowsScroll) {
  ASSERT_TRUE(Shows("https://b.test ("));
  Resize(40, 5);
  // A name that is cut: so it was drawn for the new width.
  ASSERT_TRUE(Shows("…"));
  ASSERT_TRUE(Shows(kHome));
  ASSERT_TRUE(Shows(kHome));
  const std::vector<std::string> lines = Lines(before_it);
  EXPECT_EQ(lines.size(), 5u) << before_it;
  EXPECT_THAT(before_it, AllOf(HasSubstr("Host ("), Not(HasSubstr("Template content"))));
  Type("\x1b[6~");
  ASSERT_TRUE(Shows("Template content"));
  Type("q");
  ASSERT_TRUE(Shows(kLeave));
}

}  // namespace
}  // namespace forkserver::testing
