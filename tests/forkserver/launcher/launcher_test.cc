// What whoever starts a launcher sees of it: nothing, as far as that goes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/forkserver/launcher/started_program.h"
#include "tests/forkserver/launcher/tested_host.h"
#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Launched(std::vector<std::string> arguments) {
  std::vector<std::string> argv = {kLauncher, "--", kHost};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

ProgramResult RunShell(const std::string& script) {
  return RunProgram(std::vector<std::string>{"/bin/sh", "-c", script});
}

std::string EndOf(const StartedProgramOptions& options) {
  StartedProgram program(options);
  return Describe(program.Wait());
}

std::vector<std::string> LinesOf(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

UniqueFd PidfdOf(pid_t pid) { return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

pid_t ParentOf(pid_t pid) {
  for (const std::string& line : LinesOf("/proc/" + std::to_string(pid) + "/status")) {
    if (line.starts_with("PPid:")) return atoi(line.c_str() + 5);
  }
  return 0;
}

// What is in the process's own group besides itself.
std::set<std::string> NamesInGroup(pid_t group) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = atoi(entry.path().filename().c_str());
    if (pid > 0 && getpgid(pid) == group) {
      const std::vector<std::string> name = LinesOf(entry.path().string() + "/comm");
      if (!name.empty()) names.insert(name[0]);
    }
  }
  return names;
}

// The state that a host sees, less what is a launcher's own and what the runner's pipes are called.
std::vector<std::string> StateOfHost(std::vector<std::string> argv, const std::string& path,
                                     StartedProgramOptions options = {}) {
  argv.push_back("state");
  argv.push_back(path);
  options.argv = std::move(argv);
  EXPECT_EQ(EndOf(options), "exited with 0");
  std::vector<std::string> lines = LinesOf(path);
  std::erase_if(lines, [](const std::string& line) {
    return line.starts_with("variable FORKSERVER_START_SOCKET=") ||
           line.starts_with("process group ") ||
           (line.starts_with("fd 5") && line.find(" socket:[") != line.npos);
  });
  for (std::string& line : lines) {
    if (const size_t pipe = line.find("pipe:["); pipe != line.npos) line.resize(pipe + 5);
  }
  return lines;
}

// Without a limit a core may be written where a program runs.
class CoreDumpsAllowed {
 public:
  CoreDumpsAllowed() {
    getrlimit(RLIMIT_CORE, &before_);
    const rlimit all = {.rlim_cur = before_.rlim_max, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_CORE, &all);
  }
  ~CoreDumpsAllowed() { setrlimit(RLIMIT_CORE, &before_); }

 private:
  rlimit before_;
};

TEST(Launcher, ExitsAsTheHostDoes) {
  for (const int code : {0, 1, 77, 126, 127, 128, 255}) {
    EXPECT_EQ(EndOf({.argv = Launched({"exit", std::to_string(code)})}),
              "exited with " + std::to_string(code));
  }
}

TEST(Launcher, DiesOfTheSignalThatTheHostDiesOf) {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGALRM, SIGRTMIN + 1}) {
    EXPECT_EQ(EndOf({.argv = Launched({"raise", std::to_string(signal)})}),
              "killed by " + std::to_string(signal));
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGKILL, SIGQUIT}) {
    EXPECT_EQ(EndOf({.argv = Launched({"tell", std::to_string(signal)})}),
              "killed by " + std::to_string(signal));
  }
}

// The host's own core dump is the one that says something.
TEST(Launcher, DumpsNoCoreOfItsOwn) {
  const CoreDumpsAllowed allowed;
  // Where the host's may lie.
  const TemporaryFolder folder;
  const std::string here = std::filesystem::current_path().string() + "/";
  const std::string command = "cd " + folder.path() + "; exec " + here + kLauncher + " -- " + here +
                              kHost + " tell " + std::to_string(SIGSEGV);
  EXPECT_EQ(EndOf({.argv = {"/bin/sh", "-c", command}}), "killed by 11");
}

TEST(Launcher, PassesOutputAndErrorsThrough) {
  StartedProgram program({.argv = {kLauncher, "--", "/bin/sh", "-c", "echo out; echo err >&2"}});
  EXPECT_EQ(Describe(program.Wait()), "exited with 0");
  EXPECT_EQ(program.ReadRest(), "out\n");
  EXPECT_EQ(program.ReadErrors(), "err\n");
}

TEST(Launcher, PassesInputThrough) {
  const ProgramResult result = RunShell(std::string("echo in | ") + kLauncher + " -- /bin/cat");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "in\n");
}

TEST(Launcher, HostSeesWhatItSeesWithoutOne) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/state";
  const std::vector<std::string> direct = StateOfHost({kHost}, path);
  EXPECT_THAT(direct, ::testing::Contains(HasSubstr("variable PATH=")));
  EXPECT_EQ(StateOfHost({kLauncher, "--", kHost}, path), direct);
}

TEST(Launcher, DescriptorsThatWereClosedStayClosed) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/state";
  for (const std::vector<int>& closed : {std::vector<int>{0}, {1}, {2}, {0, 1, 2}}) {
    const std::vector<std::string> direct = StateOfHost({kHost}, path, {.closed = closed});
    EXPECT_EQ(StateOfHost({kLauncher, "--", kHost}, path, {.closed = closed}), direct);
  }
}

// As a shell that ran nohup, or a program with a mask of its own, starts it.
TEST(Launcher, IgnoredAndBlockedSignalsAreTheHostsAsTheyWere) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/state";
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGUSR1);
  sigaddset(&some, SIGRTMIN + 3);
  sigset_t before;
  sigprocmask(SIG_BLOCK, &some, &before);
  for (const int ignored : {SIGHUP, SIGPIPE, SIGTSTP}) signal(ignored, SIG_IGN);
  const std::vector<std::string> direct = StateOfHost({kHost}, path);
  const std::vector<std::string> launched = StateOfHost({kLauncher, "--", kHost}, path);
  for (const int ignored : {SIGHUP, SIGPIPE, SIGTSTP}) signal(ignored, SIG_DFL);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(launched, direct);
  EXPECT_THAT(direct, ::testing::Contains(::testing::EndsWith("81001")));
}

TEST(Launcher, SigchldThatIsIgnoredIsTheHostsAndNoObstacle) {
  const std::string ignoring = "exec env --ignore-signal=CHLD ";
  const std::string launcher = ignoring + kLauncher + " -- ";
  const std::string grep = "/bin/grep SigIgn /proc/self/status";
  const ProgramResult direct = RunShell(ignoring + grep);
  EXPECT_EQ(RunShell(launcher + grep).output, direct.output);
  EXPECT_THAT(Lines(direct.output), ElementsAre(::testing::EndsWith("10000")));
  EXPECT_EQ(RunShell(launcher + kHost + " exit 5").exit_code, 5);
}

TEST(Launcher, InheritedDescriptorsGoThrough) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/state";
  // One of them where the launcher would have its own.
  std::vector<UniqueFd> inherited;
  for (const int number : {7, 50, 51, 52, 200}) {
    const UniqueFd source(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    inherited.emplace_back(dup2(source.get(), number));
    ASSERT_EQ(inherited.back().get(), number);
  }
  StartedProgramOptions options = {.argv = Launched({"state", path})};
  EXPECT_EQ(EndOf(options), "exited with 0");
  const std::vector<std::string> lines = LinesOf(path);
  for (const char* number : {"7", "50", "51", "52", "200"}) {
    EXPECT_THAT(lines, ::testing::Contains("fd " + std::string(number) + " /dev/zero"));
  }
}

TEST(Launcher, PassesEachSignalOnOnce) {
  StartedProgram launcher({.argv = Launched({"signals"})});
  const pid_t host = launcher.AwaitReady();
  ASSERT_NE(host, launcher.pid());
  // The last one shows that none of those before it came twice: the lower number is taken first.
  for (const int number : {SIGHUP, SIGINT, SIGTRAP, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM,
                           SIGTERM, SIGCONT, SIGWINCH, SIGRTMIN, SIGRTMAX}) {
    ASSERT_EQ(kill(launcher.pid(), number), 0);
    EXPECT_EQ(launcher.ReadLine(), "signal " + std::to_string(number) + " value 0");
  }
  kill(launcher.pid(), SIGQUIT);
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 7");
  EXPECT_EQ(launcher.ReadRest(), "");
}

TEST(Launcher, PassesTheValueOfAQueuedSignalOn) {
  StartedProgram launcher({.argv = Launched({"signals"})});
  launcher.AwaitReady();
  ASSERT_EQ(sigqueue(launcher.pid(), SIGRTMIN + 2, {.sival_int = 4711}), 0);
  EXPECT_EQ(launcher.ReadLine(), "signal " + std::to_string(SIGRTMIN + 2) + " value 4711");
}

// A host whose second SIGTERM ends it at once must not get two for one.
TEST(Launcher, ASignalToTheWholeGroupReachesTheHostOnce) {
  StartedProgram launcher({.argv = Launched({"signals"})});
  launcher.AwaitReady();
  for (int round = 0; round < 100; ++round) {
    for (const int number : {SIGHUP, SIGINT, SIGTERM}) {
      ASSERT_EQ(kill(-launcher.pid(), number), 0);
      EXPECT_EQ(launcher.ReadLine(), "signal " + std::to_string(number) + " value 0");
      // To the launcher alone, and after the other: what the launcher made of that is there now.
      ASSERT_EQ(kill(launcher.pid(), SIGWINCH), 0);
      ASSERT_EQ(launcher.ReadLine(), "signal " + std::to_string(SIGWINCH) + " value 0");
    }
  }
}

// Somebody kills what they do not know.
TEST(Launcher, PassesSignalsOnWithoutItsWitness) {
  StartedProgram launcher({.argv = Launched({"signals"})});
  const pid_t host = launcher.AwaitReady();
  ASSERT_EQ(kill(launcher.pid(), SIGUSR1), 0);
  ASSERT_EQ(launcher.ReadLine(), "signal 10 value 0");
  int killed = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = atoi(entry.path().filename().c_str());
    if (pid > 0 && pid != host && ParentOf(pid) == launcher.pid()) {
      const UniqueFd witness = PidfdOf(pid);
      ASSERT_EQ(kill(pid, SIGKILL), 0);
      ASSERT_TRUE(EndsWithinHalfAMinute(witness.get()));
      ++killed;
    }
  }
  EXPECT_EQ(killed, 1);
  ASSERT_EQ(kill(launcher.pid(), SIGUSR2), 0);
  EXPECT_EQ(launcher.ReadLine(), "signal 12 value 0");
  kill(launcher.pid(), SIGQUIT);
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 7");
}

TEST(Launcher, LeavesNobodyBehind) {
  StartedProgram launcher({.argv = Launched({"signals"})});
  launcher.AwaitReady();
  // The witness has its name by the time that it has answered.
  kill(launcher.pid(), SIGUSR1);
  ASSERT_EQ(launcher.ReadLine(), "signal 10 value 0");
  EXPECT_EQ(NamesInGroup(launcher.pid()),
            (std::set<std::string>{"launcher", "signal-witness", "tested_host"}));
  kill(launcher.pid(), SIGQUIT);
  // Unreaped, so that its number is nobody else's; all others of the group are gone by then.
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(launcher.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(NamesInGroup(launcher.pid()), std::set<std::string>{"launcher"});
}

TEST(Launcher, SigkillLeavesNoHost) {
  StartedProgram launcher({.argv = Launched({"wait"})});
  const UniqueFd host = PidfdOf(launcher.AwaitReady());
  ASSERT_TRUE(host.is_open());
  kill(launcher.pid(), SIGKILL);
  EXPECT_TRUE(EndsWithinHalfAMinute(host.get()));
  EXPECT_EQ(Describe(launcher.Wait()), "killed by 9");
  // Nor anybody else who has its stdout.
  EXPECT_EQ(launcher.ReadRest(), "");
}

TEST(Launcher, SigkillWhileTheHostIsStoppedLeavesNoHost) {
  StartedProgram launcher({.argv = Launched({"wait"})});
  const pid_t pid = launcher.AwaitReady();
  const UniqueFd host = PidfdOf(pid);
  kill(pid, SIGSTOP);
  kill(launcher.pid(), SIGKILL);
  EXPECT_TRUE(EndsWithinHalfAMinute(host.get()));
}

TEST(Launcher, StopsWithTheHostAndContinuesIt) {
  StartedProgram launcher({.argv = Launched({"terminal"})});
  const pid_t host = launcher.AwaitReady();
  for (int round = 0; round < 20; ++round) {
    // Half of the rounds as a terminal does it.
    kill(round % 2 == 0 ? launcher.pid() : -launcher.pid(), SIGTSTP);
    int status = 0;
    ASSERT_EQ(waitpid(launcher.pid(), &status, WUNTRACED), launcher.pid());
    ASSERT_TRUE(WIFSTOPPED(status));
    EXPECT_EQ(WSTOPSIG(status), SIGTSTP);
    EXPECT_EQ(StateOf(host), 'T');
    kill(round % 2 == 0 ? launcher.pid() : -launcher.pid(), SIGCONT);
    ASSERT_EQ(launcher.ReadLine(), "signal " + std::to_string(SIGCONT) + " value 0");
    // The launcher runs again too: until it does, a SIGTSTP to it would stop it and nobody else.
    kill(launcher.pid(), SIGWINCH);
    ASSERT_EQ(launcher.ReadLine(), "signal " + std::to_string(SIGWINCH) + " value 0");
  }
  kill(launcher.pid(), SIGQUIT);
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 7");
}

// Editors restore the terminal first.
TEST(Launcher, StopsWithAHostThatStopsItselfWhenItIsAskedTo) {
  StartedProgram launcher({.argv = Launched({"stop-itself"})});
  const pid_t host = launcher.AwaitReady();
  kill(-launcher.pid(), SIGTSTP);
  EXPECT_EQ(launcher.ReadLine(), "stopping");
  int status = 0;
  ASSERT_EQ(waitpid(launcher.pid(), &status, WUNTRACED), launcher.pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_EQ(StateOf(host), 'T');
  kill(-launcher.pid(), SIGCONT);
  EXPECT_EQ(launcher.ReadLine(), "signal " + std::to_string(SIGCONT) + " value 0");
}

// Whoever stops the host alone continues it alone: a launcher that had stopped too would never tell
// of the host's end.
TEST(Launcher, AHostThatIsStoppedByOthersIsLeftToThem) {
  StartedProgram launcher({.argv = Launched({"signals"})});
  const pid_t host = launcher.AwaitReady();
  kill(host, SIGSTOP);
  kill(launcher.pid(), SIGUSR1);
  kill(host, SIGCONT);
  const std::set<std::string> lines = {launcher.ReadLine(), launcher.ReadLine()};
  EXPECT_EQ(lines, (std::set<std::string>{"signal 10 value 0",
                                          "signal " + std::to_string(SIGCONT) + " value 0"}));
  kill(launcher.pid(), SIGQUIT);
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 7");
}

// Whoever reads the host's output waits for the host, and not for the launcher.
TEST(Launcher, HoldsNoOutputOpenOnceTheStartIsOver) {
  StartedProgram launcher({.argv = Launched({"close-stdout"})});
  const UniqueFd host = PidfdOf(launcher.AwaitReady());
  EXPECT_EQ(launcher.ReadRest(), "");
  kill(launcher.pid(), SIGTERM);
  EXPECT_EQ(Describe(launcher.Wait()), "killed by 15");
  EXPECT_TRUE(EndsWithinHalfAMinute(host.get()));
}

TEST(Launcher, NoSuperviseIsTheHostUnderTheSamePid) {
  StartedProgram program({.argv = {kLauncher, "--no-supervise", "--", kHost, "wait"}});
  EXPECT_EQ(program.AwaitReady(), program.pid());
  EXPECT_EQ(NamesInGroup(program.pid()), std::set<std::string>{"tested_host"});
  kill(program.pid(), SIGTERM);
  EXPECT_EQ(Describe(program.Wait()), "killed by 15");
}

TEST(Launcher, NoSuperviseLeavesNothing) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/state";
  StartedProgramOptions options = {
      .argv = {kLauncher, "--no-supervise", "--", kHost, "state", path}};
  EXPECT_EQ(EndOf(options), "exited with 0");
  for (const std::string& line : LinesOf(path)) {
    EXPECT_FALSE(line.starts_with("variable FORKSERVER")) << line;
    EXPECT_FALSE(line.starts_with("fd 5")) << line;
  }
}

TEST(Launcher, AHostThatIsNotThereIsOneLineAnd127) {
  for (const char* flag : {"--", "--no-supervise"}) {
    std::vector<std::string> argv = {kLauncher, flag};
    if (std::string_view(flag) != "--") argv.push_back("--");
    argv.push_back("/nowhere/host");
    StartedProgram program({.argv = argv});
    EXPECT_EQ(Describe(program.Wait()), "exited with 127");
    EXPECT_EQ(program.ReadErrors(), "launcher: execve /nowhere/host: ENOENT\n");
  }
}

TEST(Launcher, AHostThatIsNoProgramIsOneLineAnd126) {
  StartedProgram program({.argv = {kLauncher, "--", "/etc/passwd"}});
  EXPECT_EQ(Describe(program.Wait()), "exited with 126");
  EXPECT_EQ(program.ReadErrors(), "launcher: execve /etc/passwd: EACCES\n");
}

TEST(Launcher, WithoutAProgramItSaysHowItIsUsed) {
  StartedProgram program({.argv = {kLauncher, "--frobnicate"}});
  EXPECT_EQ(Describe(program.Wait()), "exited with 2");
  EXPECT_EQ(program.ReadErrors(), "usage: launcher [--no-supervise] -- PROGRAM [ARGUMENTS]\n");
}

TEST(EmbeddersLauncher, StartsTheHostBesideItWithItsAttributes) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/state";
  for (const bool supervised : {true, false}) {
    std::vector<std::string> argv = {kTestedLauncher};
    if (!supervised) argv.push_back("--no-supervise");
    argv.insert(argv.end(), {"state", path, "--no-supervise"});
    EXPECT_EQ(EndOf({.argv = argv,
                     .added_environment = {"TESTED_CHANGED=old", "TESTED_REMOVED=no",
                                           "TESTED_REMOVED_NOT=yes"}}),
              "exited with 0");
    const std::vector<std::string> lines = LinesOf(path);
    for (const char* line : {"nofile 123 456", "nice 3", "oom_score_adj 77", "argument state",
                             "argument --no-supervise", "variable TESTED_ADDED=yes",
                             "variable TESTED_CHANGED=new", "variable TESTED_REMOVED_NOT=yes"}) {
      EXPECT_THAT(lines, ::testing::Contains(line));
    }
    EXPECT_THAT(lines, ::testing::Not(::testing::Contains("variable TESTED_REMOVED=no")));
    EXPECT_THAT(lines, ::testing::Not(::testing::Contains("variable TESTED_CHANGED=old")));
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "argument --no-supervise"), 1);
  }
}

TEST(EmbeddersLauncher, AnAttributeThatCannotBeSetIsOneLineAnd126) {
  // Nobody may raise a hard limit without that capability.
  const ProgramResult result =
      RunShell(std::string("ulimit -n 100; exec setpriv --bounding-set=-sys_resource ") +
               kTestedLauncher + " state /dev/null");
  EXPECT_EQ(result.exit_code, 126) << result.output << result.errors;
  EXPECT_EQ(result.errors, "tested_launcher: prlimit of the host: EPERM\n");
}

}  // namespace
}  // namespace forkserver::testing
