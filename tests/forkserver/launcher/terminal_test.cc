// A launcher as a job of a real shell on a real terminal.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "tests/forkserver/launcher/started_program.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

constexpr int kPatienceMillis = 30'000;
constexpr char kInterrupt[] = "\x03";
constexpr char kSuspend[] = "\x1a";
constexpr char kQuit[] = "\x1c";

UniqueFd OpenTerminal() {
  UniqueFd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.is_open() || grantpt(terminal.get()) != 0 || unlockpt(terminal.get()) != 0) abort();
  return terminal;
}

// A user at a terminal, before an interactive bash.
class Session {
 public:
  Session()
      : terminal_(OpenTerminal()),
        shell_({.argv = {"bash", "--norc", "--noprofile", "-i"},
                .added_environment = {"PS1=$ ", "TERM=dumb"},
                .terminal = ptsname(terminal_.get())}) {}

  void Type(const std::string& text) {
    ASSERT_EQ(write(terminal_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  // Reads until the terminal has shown it, and says what came before it.
  ::testing::AssertionResult Shows(const std::string& text, std::string* before = nullptr) {
    for (size_t at; (at = shown_.find(text)) == std::string::npos;) {
      pollfd readable = {.fd = terminal_.get(), .events = POLLIN, .revents = 0};
      char bytes[1024];
      const ssize_t size = poll(&readable, 1, kPatienceMillis) == 1
                               ? read(terminal_.get(), bytes, sizeof(bytes))
                               : 0;
      if (size <= 0) {
        return ::testing::AssertionFailure() << "not shown: " << text << "\nbut: " << shown_;
      }
      shown_.append(bytes, static_cast<size_t>(size));
    }
    const size_t at = shown_.find(text);
    if (before != nullptr) *before = shown_.substr(0, at);
    shown_.erase(0, at + text.size());
    return ::testing::AssertionSuccess();
  }

  // The number that follows, to the end of its line.
  pid_t ShowsPid(const std::string& text) {
    std::string digits;
    if (!Shows(text) || !Shows("\r\n", &digits)) return 0;
    return atoi(digits.c_str());
  }

 private:
  UniqueFd terminal_;
  StartedProgram shell_;
  std::string shown_;
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
  UniqueFd terminal = OpenTerminal();
  const std::string name = ptsname(terminal.get());
  StartedProgram launcher({.argv = {kLauncher, "--", kHost, "wait"}, .terminal = name});
  std::string shown;
  while (shown.find("ready ") == std::string::npos) {
    char bytes[256];
    const ssize_t size = read(terminal.get(), bytes, sizeof(bytes));
    ASSERT_GT(size, 0);
    shown.append(bytes, static_cast<size_t>(size));
  }
  terminal.reset();
  EXPECT_EQ(Describe(launcher.Wait()), "killed by 1");
}

}  // namespace
}  // namespace forkserver::testing
