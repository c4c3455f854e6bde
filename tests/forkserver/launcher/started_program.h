// A program that runs beside a test, in a process group of its own, with pipes for what it says.
//
//     StartedProgram launcher({.argv = {kLauncher, "--", kHost, "signals"}});
//     const pid_t host = launcher.AwaitReady();
//     kill(launcher.pid(), SIGUSR1);
//     EXPECT_EQ(launcher.ReadLine(), "signal 10 value 0");
//
// Destroying it kills the group and reaps the program. A line that does not come within half a
// minute is "(nothing)", and a rest that has no end by then ends in "(no end)".
#ifndef TESTS_FORKSERVER_LAUNCHER_STARTED_PROGRAM_H_
#define TESTS_FORKSERVER_LAUNCHER_STARTED_PROGRAM_H_

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "transceiver/unique_fd.h"

namespace forkserver::testing {

inline constexpr char kLauncher[] = "forkserver/launcher/launcher";
inline constexpr char kTestedLauncher[] = "tests/forkserver/launcher/tested_launcher";
inline constexpr char kHost[] = "tests/forkserver/launcher/tested_host";

struct StartedProgramOptions {
  std::vector<std::string> argv = {};
  std::vector<std::string> added_environment = {};
  // Which of 0 to 2 are closed at its start, and so not to be read here.
  std::vector<int> closed = {};
  // stderr is a pipe that nobody will read.
  bool has_no_reader_of_errors = false;
  // A terminal, in place of pipes: the program leads its session.
  std::string terminal = {};
};

class StartedProgram {
 public:
  explicit StartedProgram(const StartedProgramOptions& options);
  StartedProgram(const StartedProgram&) = delete;
  StartedProgram& operator=(const StartedProgram&) = delete;
  ~StartedProgram();

  pid_t pid() const { return pid_; }
  std::string ReadLine();
  // The pid of "ready PID", which must be the next line.
  pid_t AwaitReady();
  // Until nobody has the pipe open any more.
  std::string ReadRest();
  std::string ReadErrorLine();
  // What it said on stderr besides, to the end.
  std::string ReadErrors();
  // wait(2)'s status; waits without bound, as the test's own time ends it.
  int Wait();

 private:
  pid_t pid_ = -1;
  bool is_reaped_ = false;
  UniqueFd output_;
  UniqueFd errors_;
  std::string unread_;
  std::string unread_errors_;
};

// Waits until that process has ended, reaped or not.
bool EndsWithinHalfAMinute(int pidfd);

// 'T', 'S', ...; 0 where there is no such process.
char StateOf(pid_t pid);

// As waited for: "exited with 3", "killed by 11", with " and dumped" for a core.
std::string Describe(int status);

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_LAUNCHER_STARTED_PROGRAM_H_
