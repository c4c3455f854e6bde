// A host that dies during its start-up is started again, and the third time in safe mode.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "forkserver/launcher/start_record.h"
#include "tests/forkserver/launcher/started_program.h"
#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver::testing {
namespace {

using ::testing::ElementsAre;

TEST(StartRecord, TheThirdStartIsInSafeModeAndTheLast) {
  StartRecord record;
  EXPECT_EQ(record.AfterDeath(SIGSEGV), NextStart::kAgain);
  EXPECT_EQ(record.AfterDeath(SIGABRT), NextStart::kInSafeMode);
  EXPECT_EQ(record.attempt(), kMostStarts);
  EXPECT_EQ(record.AfterDeath(SIGKILL), NextStart::kNone);
}

TEST(StartRecord, SignalsThatAskAProgramToEndDoNotCount) {
  StartRecord record;
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1}) {
    EXPECT_EQ(record.AfterDeath(signal), NextStart::kNone);
  }
  EXPECT_EQ(record.attempt(), 1);
}

// A host that crashes so often, and what came of it.
class CrashingHost {
 public:
  explicit CrashingHost(int times, int signal = SIGSEGV,
                        std::vector<std::string> environment = {}) {
    const std::string file = folder_.path() + "/starts";
    StartedProgram launcher({.argv = {kLauncher, "--", kHost, "crash", file, std::to_string(signal),
                                      std::to_string(times)},
                             .added_environment = std::move(environment)});
    end = Describe(launcher.Wait());
    output = launcher.ReadRest();
    errors = Lines(launcher.ReadErrors());
    std::ifstream starts_file(file);
    for (std::string line; std::getline(starts_file, line);) starts.push_back(line);
  }

  std::string end;
  std::string output;
  std::vector<std::string> errors;
  std::vector<std::string> starts;

 private:
  const TemporaryFolder folder_;
};

constexpr char kFirst[] =
    "launcher: tested_host died of SIGSEGV during its start (attempt 1 of 3): starting it again";
constexpr char kSecond[] =
    "launcher: tested_host died of SIGSEGV during its start (attempt 2 of 3): starting it in safe "
    "mode";

TEST(Start, AHostThatDiesOnceIsStartedAgain) {
  const CrashingHost host(1);
  EXPECT_EQ(host.end, "exited with 0");
  EXPECT_EQ(host.output, "started 2\n");
  EXPECT_THAT(host.starts, ElementsAre("safe mode -", "safe mode -"));
  EXPECT_THAT(host.errors, ElementsAre(kFirst));
}

// What the launcher says of it is for nobody; the second host is none the worse for that.
TEST(Start, AHostThatDiesOnceIsStartedAgainWhereNobodyReadsStderr) {
  const TemporaryFolder folder;
  StartedProgram launcher({.argv = {kLauncher, "--", kHost, "crash", folder.path() + "/starts",
                                    std::to_string(SIGSEGV), "1"},
                           .has_no_reader_of_errors = true});
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 0");
  EXPECT_EQ(launcher.ReadRest(), "started 2\n");
}

TEST(Start, AHostThatIsNotThereIs127WhereNobodyReadsStderr) {
  for (const std::vector<std::string>& argv :
       {std::vector<std::string>{kLauncher, "--", "/nowhere/host"},
        {kLauncher, "--no-supervise", "--", "/nowhere/host"}}) {
    StartedProgram launcher({.argv = argv, .has_no_reader_of_errors = true});
    EXPECT_EQ(Describe(launcher.Wait()), "exited with 127");
  }
}

TEST(Start, AHostThatDiesTwiceIsStartedInSafeMode) {
  const CrashingHost host(2);
  EXPECT_EQ(host.end, "exited with 0");
  EXPECT_EQ(host.output, "started 3\n");
  EXPECT_THAT(host.starts, ElementsAre("safe mode -", "safe mode -", "safe mode 1"));
  EXPECT_THAT(host.errors, ElementsAre(kFirst, kSecond));
}

TEST(Start, TheThirdDeathIsPassedThrough) {
  const CrashingHost host(1000);
  EXPECT_EQ(host.end, "killed by 11");
  EXPECT_THAT(host.starts, ElementsAre("safe mode -", "safe mode -", "safe mode 1"));
  EXPECT_THAT(host.errors,
              ElementsAre(kFirst, kSecond,
                          "launcher: tested_host died of SIGSEGV during its start (attempt 3 of 3, "
                          "in safe mode)"));
}

TEST(Start, SafeModeThatSomebodyAskedForIsThereFromTheFirst) {
  const CrashingHost host(0, SIGSEGV, {"FORKSERVER_SAFE_MODE=1"});
  EXPECT_THAT(host.starts, ElementsAre("safe mode 1"));
}

// Somebody's wish.
TEST(Start, ADeathBySigtermIsNotTriedAgain) {
  const CrashingHost host(1000, SIGTERM);
  EXPECT_EQ(host.end, "killed by 15");
  EXPECT_THAT(host.starts, ElementsAre("safe mode -"));
  EXPECT_THAT(host.errors, ElementsAre());
}

TEST(Start, ASignalThatTheLauncherPassedOnIsNotTriedAgain) {
  for (const bool to_group : {true, false}) {
    StartedProgram launcher({.argv = {kLauncher, "--", kHost, "wait"}});
    launcher.AwaitReady();
    kill(to_group ? -launcher.pid() : launcher.pid(), SIGABRT);
    EXPECT_EQ(Describe(launcher.Wait()), "killed by 6");
    EXPECT_EQ(launcher.ReadRest(), "");
    EXPECT_EQ(launcher.ReadErrors(), "");
  }
}

// Who asked it to end does not want another one.
TEST(Start, AHostThatCrashesWhenItIsAskedToEndIsNotTriedAgain) {
  for (const bool to_group : {true, false}) {
    StartedProgram launcher({.argv = {kLauncher, "--", kHost, "crash-at-term"}});
    launcher.AwaitReady();
    kill(to_group ? -launcher.pid() : launcher.pid(), SIGTERM);
    EXPECT_EQ(Describe(launcher.Wait()), "killed by 11");
    EXPECT_EQ(launcher.ReadRest(), "");
    EXPECT_EQ(launcher.ReadErrors(), "");
  }
}

// The answer would be the same.
TEST(Start, AnExitCodeIsNotTriedAgain) {
  StartedProgram launcher({.argv = {kLauncher, "--", kHost, "exit", "1"}});
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 1");
  EXPECT_EQ(launcher.ReadErrors(), "");
}

TEST(Start, IsOverWhenTheHostSaysSo) {
  StartedProgram launcher({.argv = {kLauncher, "--", kHost, "tell", std::to_string(SIGSEGV)}});
  EXPECT_EQ(Describe(launcher.Wait()), "killed by 11");
  EXPECT_EQ(launcher.ReadErrors(), "");
}

TEST(Start, SayingThatItIsOverDoesNothingWithoutALauncher) {
  for (const char* variable : {"TESTED=1", "FORKSERVER_START_SOCKET=", "FORKSERVER_START_SOCKET=2",
                               "FORKSERVER_START_SOCKET=2:1", "FORKSERVER_START_SOCKET=x:y",
                               "FORKSERVER_START_SOCKET=-1:0"}) {
    StartedProgram host({.argv = {kHost, "tell-exit", "3"}, .added_environment = {variable}});
    EXPECT_EQ(Describe(host.Wait()), "exited with 3") << variable;
    EXPECT_EQ(host.ReadErrors(), "");
  }
}

TEST(Start, IsOverAfterItsTimeForAHostThatNeverSaysSo) {
  // Closes its output at once, so that the end of it is the launcher's word that it has closed its.
  StartedProgram launcher(
      {.argv = {kTestedLauncher, "-c", "echo ready $$; exec >&- 2>&-; exec sleep 1000"},
       .added_environment = {"TESTED_HOST=/bin/sh", "TESTED_START_MILLIS=1"}});
  const pid_t host = launcher.AwaitReady();
  EXPECT_EQ(launcher.ReadRest(), "");
  kill(host, SIGSEGV);
  EXPECT_EQ(Describe(launcher.Wait()), "killed by 11");
  EXPECT_EQ(launcher.ReadErrors(), "");
}

// Its answer comes to a launcher that has ceased to wait for it.
TEST(Start, AHostThatSaysSoTooLateIsNotHarmed) {
  const TemporaryFolder folder;
  StartedProgram launcher({.argv = {kTestedLauncher, "tell-exit", "4"},
                           .added_environment = {"TESTED_START_MILLIS=0"}});
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 4");
}

}  // namespace
}  // namespace forkserver::testing
