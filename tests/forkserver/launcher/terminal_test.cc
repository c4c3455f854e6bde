// A launcher as a job of a real shell on a real terminal.
#include "tests/forkserver/launcher/terminal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <string>

#include "tests/forkserver/launcher/started_program.h"

namespace forkserver::testing {
namespace {

constexpr char kInterrupt[] = "\x03";
constexpr char kSuspend[] = "\x1a";
constexpr char kQuit[] = "\x1c";

// A user at a terminal, before an interactive bash.
class Session {
 public:
  Session()
      : shell_({.argv = {"bash", "--norc", "--noprofile", "-i"},
                .added_environment = {"PS1=$ ", "TERM=dumb"},
                .terminal = terminal_.name()}) {}

  void Type(const std::string& text) { terminal_.Type(text); }
  ::testing::AssertionResult Shows(const std::string& text, std::string* before = nullptr) {
    return terminal_.Shows(text, before);
  }

  // The number that follows, to the end of its line.
  pid_t ShowsPid(const std::string& text) {
    std::string digits;
    if (!Shows(text) || !Shows("\r\n", &digits)) return 0;
    return atoi(digits.c_str());
  }

 private:
  Terminal terminal_;
  StartedProgram shell_;
};

std::string Command(const std::string& what) {
  return std::string(kLauncher) + " -- " + kHost + " " + what;
}

TEST(Terminal, CtrlCReachesTheHostOnce) {
  Session session;
  session.Type(Command("signals") + "; echo status=$?=\n");
  ASSERT_TRUE(session.Shows("\r\nready "));
  for (int i = 0; i < 10; ++i) {
    session.Type(kInterrupt);
    ASSERT_TRUE(session.Shows("signal 2 value 0\r\n"));
  }
  session.Type(kQuit);
  std::string rest;
  ASSERT_TRUE(session.Shows("status=7=", &rest));
  EXPECT_EQ(rest.find("signal"), std::string::npos) << rest;
}

TEST(Terminal, CtrlCEndsAHostThatDoesNotHandleItAndTheShellSeesThat) {
  Session session;
  session.Type(Command("wait") + "\n");
  ASSERT_TRUE(session.Shows("\r\nready "));
  session.Type(kInterrupt);
  session.Type("echo status=$?=\n");
  EXPECT_TRUE(session.Shows("status=130="));
}

TEST(Terminal, CtrlZStopsTheJobAndFgContinuesIt) {
  Session session;
  session.Type(Command("terminal") + "\n");
  const pid_t host = session.ShowsPid("\r\nready ");
  ASSERT_GT(host, 0);
  for (int i = 0; i < 5; ++i) {
    session.Type(kSuspend);
    ASSERT_TRUE(session.Shows("Stopped"));
    EXPECT_EQ(StateOf(host), 'T');
    session.Type("fg\n");
    ASSERT_TRUE(session.Shows("signal 18 value 0\r\n"));
    // In the foreground again: the terminal's signals are the job's.
    session.Type(kInterrupt);
    ASSERT_TRUE(session.Shows("signal 2 value 0\r\n"));
  }
  session.Type(kQuit);
  session.Type("echo status=$?=\n");
  EXPECT_TRUE(session.Shows("status=7="));
}

TEST(Terminal, BgContinuesItAndKillOfTheJobReachesTheHostOnce) {
  Session session;
  session.Type(Command("terminal") + "\n");
  ASSERT_TRUE(session.Shows("\r\nready "));
  session.Type(kSuspend);
  ASSERT_TRUE(session.Shows("Stopped"));
  session.Type("bg\n");
  ASSERT_TRUE(session.Shows("signal 18 value 0\r\n"));
  session.Type("kill %1\n");
  ASSERT_TRUE(session.Shows("signal 15 value 0\r\n"));
  session.Type("kill -QUIT %1; wait %1; echo status=$?=\n");
  std::string rest;
  ASSERT_TRUE(session.Shows("status=7=", &rest));
  EXPECT_EQ(rest.find("signal 15"), std::string::npos) << rest;
}

TEST(Terminal, HostReadsFromItInAPipelineToo) {
  Session session;
  session.Type(std::string(kLauncher) + " -- /bin/sh -c 'read line; echo got $line' | cat\n");
  session.Type("a line\n");
  EXPECT_TRUE(session.Shows("got a line"));
}

// As `xterm -e` and `ssh -t` do: the launcher leads the session, and hears of the hang-up alone.
TEST(Terminal, HangUpReachesTheHostOfALauncherThatLeadsTheSession) {
  Terminal terminal;
  StartedProgram launcher({.argv = {kLauncher, "--", kHost, "wait"}, .terminal = terminal.name()});
  ASSERT_TRUE(terminal.Shows("ready "));
  terminal.HangUp();
  EXPECT_EQ(Describe(launcher.Wait()), "killed by 1");
}

}  // namespace
}  // namespace forkserver::testing
