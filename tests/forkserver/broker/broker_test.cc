#include "forkserver/host/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/forkserver/broker/victim.h"
#include "tests/testing/program.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

using testing::CallsFrom;
using testing::SignalStorm;
using testing::Victim;
using testing::VictimAnswer;
using Room = testing::VictimArgument::Room;

// Long enough that no operation that only a busy machine delays is given up.
constexpr absl::Duration kDeadline = absl::Seconds(1);

// Holds whoever passes until it is opened. Shared with the broker's threads, of which those that
// are stuck in it outlive the test.
class Barrier {
 public:
  void Pass() {
    eventfd_t value;
    eventfd_write(reached_.get(), 1);
    eventfd_read(open_.get(), &value);
  }
  void WaitUntilReached() {
    eventfd_t value;
    eventfd_read(reached_.get(), &value);
  }
  void Open() { eventfd_write(open_.get(), 1000); }

 private:
  const UniqueFd reached_{eventfd(0, EFD_CLOEXEC)};
  const UniqueFd open_{eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE)};
};

class BrokerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string root = "/tmp/broker.XXXXXX";
    ASSERT_NE(mkdtemp(root.data()), nullptr);
    root_ = std::filesystem::canonical(root);
    std::ofstream(Path("file")) << "text of the file";
    rules_.calls.Ask({SYS_openat, SYS_newfstatat, SYS_readlinkat, SYS_faccessat, SYS_mkdirat});
    rules_.calls.Refuse(EPERM, {SYS_setpriority}).Kill({SYS_ptrace});
    rules_.files = {{root_, FileReach::kBeneath, kMayRead | kMayWrite | kMayCreate}};
  }
  void TearDown() override {
    children_.clear();
    broker_.reset();
    std::filesystem::remove_all(root_);
  }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }

  void Start(BrokerOptions options = {}) {
    absl::StatusOr<std::unique_ptr<Broker>> broker = Broker::Start(std::move(options));
    ASSERT_TRUE(broker.ok()) << broker.status();
    broker_ = *std::move(broker);
  }
  ListenerId Serve(Victim& victim) {
    const absl::StatusOr<ListenerId> id = broker_->Serve(victim.TakeListener(), {rules_});
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : ListenerId{0};
  }
  void Register(ListenerId id, const Victim& victim, ProcessType type = ProcessType::kContent) {
    absl::StatusOr<ChildRegistration> child = broker_->Register(id, victim.pid(), 0, type);
    ASSERT_TRUE(child.ok()) << child.status();
    children_.push_back(*std::move(child));
  }
  ListenerId ServeAndRegister(Victim& victim) {
    const ListenerId id = Serve(victim);
    Register(id, victim);
    return id;
  }
  // Reads what the victim has open there.
  std::string Contents(Victim& victim, long fd) {
    const VictimAnswer answer = victim.Call(SYS_pread64, {fd, Room{64}, 64, 0});
    return answer.value < 0 ? strerrorname_np(answer.error)
                            : answer.room.substr(0, static_cast<size_t>(answer.value));
  }
  VictimAnswer Open(Victim& victim, const std::string& name, int flags = O_RDONLY) {
    return victim.Call(SYS_openat, {AT_FDCWD, Path(name), flags, 0600});
  }

  std::string root_;
  BrokerRules rules_;
  std::unique_ptr<Broker> broker_;
  std::vector<ChildRegistration> children_;
};

TEST_F(BrokerTest, AnOpenIsAnsweredWithADescriptor) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  const VictimAnswer opened = Open(victim, "file", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(opened.value, 0) << strerrorname_np(opened.error);
  EXPECT_EQ(Contents(victim, opened.value), "text of the file");
  EXPECT_EQ(victim.Call(SYS_fcntl, {opened.value, F_GETFD}).value, FD_CLOEXEC);
  const VictimAnswer inherited = Open(victim, "file");
  EXPECT_EQ(victim.Call(SYS_fcntl, {inherited.value, F_GETFD}).value, 0);
  EXPECT_TRUE(broker_->reporter().Snapshot().empty());
}

TEST_F(BrokerTest, ADeadlineMayBeInfinite) {
  Start({.deadline = absl::InfiniteDuration(), .registration_patience = absl::InfiniteDuration()});
  Victim victim;
  const ListenerId id = Serve(victim);
  victim.Begin(SYS_openat, {AT_FDCWD, Path("file"), O_RDONLY});
  Register(id, victim);
  EXPECT_GE(victim.End().value, 0);
}

TEST_F(BrokerTest, StatReadlinkAndAccessAreAnswered) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  ASSERT_EQ(symlink("file", Path("link").c_str()), 0);
  struct stat real;
  ASSERT_EQ(stat(Path("file").c_str(), &real), 0);
  const VictimAnswer answer =
      victim.Call(SYS_newfstatat, {AT_FDCWD, Path("link"), Room{sizeof(struct stat)}, 0});
  EXPECT_EQ(answer.value, 0);
  struct stat status;
  memcpy(&status, answer.room.data() + Path("link").size() + 1, sizeof(status));
  EXPECT_EQ(status.st_ino, real.st_ino);
  EXPECT_EQ(victim.Call(SYS_readlinkat, {AT_FDCWD, Path("link"), Room{64}, 64}).value, 4);
  EXPECT_EQ(victim.Call(SYS_faccessat, {AT_FDCWD, Path("file"), R_OK}).value, 0);
  EXPECT_EQ(victim.Call(SYS_faccessat, {AT_FDCWD, Path("none"), F_OK}).error, ENOENT);
}

TEST_F(BrokerTest, WhatTheRulesRefuseIsRecordedWithItsPath) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  const int64_t before = NowNanos();
  EXPECT_EQ(victim.Call(SYS_openat, {AT_FDCWD, "/etc/passwd", O_RDONLY}).error, EACCES);
  const std::vector<RefusedCall> records = broker_->reporter().Snapshot();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(ToString(records[0]), "sandbox: content pid " + std::to_string(victim.pid()) +
                                      ": openat(\"/etc/passwd\", O_RDONLY) refused: EACCES");
  EXPECT_GE(records[0].time, before);
  EXPECT_LE(records[0].time, NowNanos());
}

TEST_F(BrokerTest, ARefusedCallGetsItsErrnoAndIsRecorded) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  EXPECT_EQ(victim.Call(SYS_setpriority, {1, 2, 3}).error, EPERM);
  // Nobody said anything of it.
  EXPECT_EQ(victim.Call(SYS_sethostname, {"x", 1}).error, ENOSYS);
  const std::vector<RefusedCall> records = broker_->reporter().Snapshot();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].call, "setpriority");
  EXPECT_EQ(records[0].arguments, (std::array<uint64_t, 6>{1, 2, 3, 0, 0, 0}));
  EXPECT_EQ(records[0].pid, victim.pid());
  EXPECT_EQ(records[1].call, "sethostname");
  EXPECT_EQ(records[1].error, ENOSYS);
}

TEST_F(BrokerTest, AForbiddenCallKills) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  EXPECT_EQ(victim.Call(SYS_ptrace, {16, 1}).error, ECONNRESET);
  const absl::StatusOr<ExitStatus> status = victim.process().Wait(absl::Minutes(1));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->ToString(), "killed by SIGKILL");
  const std::vector<RefusedCall> records = broker_->reporter().Snapshot();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].outcome, CallOutcome::kKilled);
}

TEST_F(BrokerTest, AThreadsCallIsItsProcesss) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  for (int i = 0; i < 3; ++i) {
    EXPECT_GE(
        victim.Call(SYS_openat, {AT_FDCWD, Path("file"), O_RDONLY}, CallsFrom::kNewThread).value,
        0);
  }
  EXPECT_EQ(victim.Call(SYS_setpriority, {}, CallsFrom::kNewThread).error, EPERM);
  const std::vector<RefusedCall> records = broker_->reporter().Snapshot();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].pid, victim.pid());
  EXPECT_NE(records[0].tid, victim.pid());
}

TEST_F(BrokerTest, ACallOfAnUnknownProcessWaitsForItsRegistration) {
  Start({.registration_patience = absl::Minutes(5)});
  Victim early;
  Victim other;
  const ListenerId id = Serve(early);
  ServeAndRegister(other);
  early.Begin(SYS_openat, {AT_FDCWD, Path("file"), O_RDONLY});
  // Others are served meanwhile.
  EXPECT_GE(Open(other, "file").value, 0);
  EXPECT_FALSE(early.HasAnswer());
  Register(id, early);
  const VictimAnswer answer = early.End();
  ASSERT_GE(answer.value, 0) << strerrorname_np(answer.error);
  EXPECT_EQ(Contents(early, answer.value), "text of the file");
}

TEST_F(BrokerTest, ACallOfAProcessThatStaysUnknownIsRefused) {
  Start({.registration_patience = absl::Milliseconds(20)});
  Victim victim;
  Serve(victim);
  EXPECT_EQ(Open(victim, "file").error, EPERM);
  const std::vector<RefusedCall> records = broker_->reporter().Snapshot();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].outcome, CallOutcome::kUnknownCaller);
  EXPECT_EQ(records[0].pid, victim.pid());
}

TEST_F(BrokerTest, ARegistrationForAnotherFilterDoesNotCount) {
  Start({.registration_patience = absl::Milliseconds(20)});
  Victim victim;
  Victim other;
  Serve(victim);
  const ListenerId wrong = Serve(other);
  Register(wrong, victim);
  EXPECT_EQ(Open(victim, "file").error, EPERM);
}

TEST_F(BrokerTest, AnUnregisteredChildIsUnknownAgain) {
  Start({.registration_patience = absl::Milliseconds(20)});
  Victim victim;
  ServeAndRegister(victim);
  EXPECT_GE(Open(victim, "file").value, 0);
  EXPECT_GE(
      victim.Call(SYS_openat, {AT_FDCWD, Path("file"), O_RDONLY}, CallsFrom::kNewThread).value, 0);
  children_.clear();
  EXPECT_EQ(Open(victim, "file").error, EPERM);
}

TEST_F(BrokerTest, AChildsTypeMayComeLater) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  children_[0].SetType(ProcessType::kUtility);
  EXPECT_EQ(victim.Call(SYS_setpriority, {}).error, EPERM);
  EXPECT_EQ(broker_->reporter().Snapshot().at(0).type, ProcessType::kUtility);
}

TEST_F(BrokerTest, ASlowOperationTimesOutAndOthersAreServed) {
  const auto barrier = std::make_shared<Barrier>();
  const auto is_slow = std::make_shared<std::atomic<bool>>(true);
  Start({.deadline = kDeadline, .before_operation = [barrier, is_slow](const seccomp_data& data) {
           if (data.nr == SYS_mkdirat && is_slow->exchange(false)) barrier->Pass();
         }});
  Victim slow;
  Victim other;
  ServeAndRegister(slow);
  ServeAndRegister(other);
  slow.Begin(SYS_mkdirat, {AT_FDCWD, Path("made"), 0700});
  barrier->WaitUntilReached();
  // Asked while the only thread is held up.
  EXPECT_GE(Open(other, "file").value, 0);
  EXPECT_EQ(slow.End().error, ETIMEDOUT);
  EXPECT_GE(Open(slow, "file").value, 0);
  const std::vector<RefusedCall> records = broker_->reporter().Snapshot();
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records[0].outcome, CallOutcome::kTimedOut);
  EXPECT_EQ(records[0].pid, slow.pid());
  barrier->Open();
}

TEST_F(BrokerTest, TooManyStuckOperationsAreEagain) {
  const auto barrier = std::make_shared<Barrier>();
  Start({.deadline = kDeadline,
         .max_stuck_threads = 2,
         .before_operation = [barrier](const seccomp_data& data) {
           if (data.nr == SYS_mkdirat) barrier->Pass();
         }});
  Victim victim;
  ServeAndRegister(victim);
  EXPECT_EQ(victim.Call(SYS_mkdirat, {AT_FDCWD, Path("a"), 0700}).error, ETIMEDOUT);
  EXPECT_EQ(victim.Call(SYS_mkdirat, {AT_FDCWD, Path("b"), 0700}).error, ETIMEDOUT);
  EXPECT_EQ(victim.Call(SYS_mkdirat, {AT_FDCWD, Path("c"), 0700}).error, EAGAIN);
  EXPECT_EQ(Open(victim, "file").error, EAGAIN);
  EXPECT_EQ(victim.Call(SYS_setpriority, {}).error, EPERM);
  barrier->Open();
  // Until one is back.
  while (Open(victim, "file").error == EAGAIN) {
  }
  EXPECT_GE(Open(victim, "file").value, 0);
}

TEST_F(BrokerTest, StoppingToServeLeavesNobodyWaiting) {
  Start({.registration_patience = absl::Minutes(5)});
  Victim victim;
  Victim other;
  const ListenerId id = Serve(victim);
  ServeAndRegister(other);
  victim.Begin(SYS_openat, {AT_FDCWD, Path("file"), O_RDONLY});
  EXPECT_GE(Open(other, "file").value, 0);
  broker_->StopServing(id);
  broker_->StopServing(id);
  EXPECT_EQ(victim.End().error, ENOSYS);
  EXPECT_EQ(Open(victim, "file").error, ENOSYS);
  EXPECT_GE(Open(other, "file").value, 0);
  EXPECT_FALSE(broker_->Register(id, victim.pid(), 0, ProcessType::kContent).ok());
}

TEST_F(BrokerTest, ADestroyedBrokerLeavesNobodyWaiting) {
  const auto barrier = std::make_shared<Barrier>();
  Start({.deadline = kDeadline, .before_operation = [barrier](const seccomp_data& data) {
           if (data.nr == SYS_mkdirat) barrier->Pass();
         }});
  Victim stuck;
  Victim idle;
  ServeAndRegister(stuck);
  ServeAndRegister(idle);
  stuck.Begin(SYS_mkdirat, {AT_FDCWD, Path("made"), 0700});
  barrier->WaitUntilReached();
  broker_.reset();
  // ETIMEDOUT where the deadline was over before the end of the broker.
  const int error = stuck.End().error;
  EXPECT_TRUE(error == ENOSYS || error == ETIMEDOUT) << strerrorname_np(error);
  EXPECT_EQ(Open(idle, "file").error, ENOSYS);
  barrier->Open();
}

TEST_F(BrokerTest, LeavesNoDescriptors) {
  // Whatever is opened at a first time.
  Start();
  broker_.reset();
  const size_t descriptors = OpenDescriptors();
  {
    Start();
    Victim victim;
    ServeAndRegister(victim);
    EXPECT_GE(Open(victim, "file").value, 0);
    EXPECT_EQ(Open(victim, "none").error, ENOENT);
    EXPECT_EQ(victim.Call(SYS_newfstatat, {0, "", Room{sizeof(struct stat)}, AT_EMPTY_PATH}).value,
              0);
    children_.clear();
    broker_.reset();
  }
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST_F(BrokerTest, AListenerThatNobodyHasAnyMoreIsClosed) {
  Start();
  const size_t before = OpenDescriptors();
  {
    Victim victim;
    ServeAndRegister(victim);
    EXPECT_GE(Open(victim, "file").value, 0);
    children_.clear();
  }
  while (OpenDescriptors() > before) sched_yield();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(BrokerTest, SignalsDoNotHaveAnOperationDoneTwice) {
  Start();
  Victim victim(SignalStorm::kYes);
  ServeAndRegister(victim);
  for (int i = 0; i < 500; ++i) {
    const VictimAnswer answer = victim.Call(
        SYS_openat, {AT_FDCWD, Path("new" + std::to_string(i)), O_WRONLY | O_CREAT | O_EXCL, 0600});
    ASSERT_GE(answer.value, 0) << i << ": " << strerrorname_np(answer.error);
    victim.Call(SYS_close, {answer.value});
  }
}

TEST_F(BrokerTest, AChildThatIsKilledInTheMiddleHarmsNobody) {
  const auto barrier = std::make_shared<Barrier>();
  Start({.deadline = absl::Minutes(5), .before_operation = [barrier](const seccomp_data& data) {
           if (data.nr == SYS_mkdirat) barrier->Pass();
         }});
  Victim dying;
  Victim other;
  ServeAndRegister(dying);
  ServeAndRegister(other);
  dying.Begin(SYS_mkdirat, {AT_FDCWD, Path("made"), 0700});
  barrier->WaitUntilReached();
  ASSERT_TRUE(dying.process().Signal(SIGKILL).ok());
  ASSERT_TRUE(dying.process().Wait(absl::Minutes(1)).ok());
  barrier->Open();
  EXPECT_GE(Open(other, "file").value, 0);
  EXPECT_FALSE(std::filesystem::exists(Path("made")));
}

TEST_F(BrokerTest, AChildWithoutRoomForADescriptorIsToldSo) {
  Start();
  Victim victim;
  ServeAndRegister(victim);
  const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
  ASSERT_EQ(prlimit(victim.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  EXPECT_EQ(Open(victim, "file").error, EMFILE);
}

TEST_F(BrokerTest, AStormOfRefusalsIsBounded) {
  Start({.reporter = {.max_records = 4, .of_one_child = {.burst = 8, .per_second = 1}}});
  Victim victim;
  ServeAndRegister(victim);
  for (int i = 0; i < 100; ++i) victim.Call(SYS_setpriority, {i});
  SandboxReporter& reporter = broker_->reporter();
  EXPECT_EQ(reporter.Snapshot().size(), 4u);
  EXPECT_GT(reporter.suppressed(), 0u);
  EXPECT_EQ(reporter.suppressed() + reporter.Snapshot().back().sequence, 100u);
}

TEST_F(BrokerTest, WhatCannotBeServedIsSaid) {
  Start();
  const absl::StatusOr<ListenerId> none =
      broker_->Serve(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)), {rules_});
  EXPECT_TRUE(none.status().message().find("ENOTTY") != absl::string_view::npos) << none.status();
  Victim victim;
  rules_.files.push_back({.path = "relative"});
  const absl::StatusOr<ListenerId> bad = broker_->Serve(victim.TakeListener(), {rules_});
  EXPECT_EQ(bad.status().message(), "file rule \"relative\": not an absolute path");
  EXPECT_EQ(Open(victim, "file").error, ENOSYS);
  EXPECT_FALSE(Broker::Start({.deadline = absl::ZeroDuration()}).ok());
}

TEST_F(BrokerTest, ARulesetThatIsNotServedHasNoChildren) {
  Start();
  Victim victim;
  const ListenerId id = ServeAndRegister(victim);
  EXPECT_TRUE(absl::IsNotFound(broker_->Register(id, 1, 7, ProcessType::kContent).status()));
  // A registration may outlive the broker.
  broker_.reset();
  children_.clear();
}

// Runs this one test in a process of its own, with that in its environment.
testing::ProgramResult RunAlone(const std::string& name, const std::string& variable) {
  return testing::RunProgram({.argv = {"test", "--gtest_filter=BrokerTest." + name},
                              .path = "/proc/self/exe",
                              .environment = testing::VictimEnvironment({variable})});
}

TEST_F(BrokerTest, RecordsArePrintedWhereTheEnvironmentSaysSo) {
  if (getenv("FORKSERVER_SANDBOX_LOG") == nullptr) {
    const testing::ProgramResult result =
        RunAlone("RecordsArePrintedWhereTheEnvironmentSaysSo", "FORKSERVER_SANDBOX_LOG=1");
    EXPECT_EQ(result.exit_code, 0) << result.how << result.output;
    const std::vector<std::string> lines = testing::Lines(result.errors);
    ASSERT_EQ(lines.size(), 1u) << result.errors;
    EXPECT_TRUE(lines[0].starts_with("sandbox: content pid ")) << lines[0];
    EXPECT_TRUE(lines[0].ends_with(": openat(\"/etc/shadow\", O_RDWR) refused: EACCES"))
        << lines[0];
    return;
  }
  Start();
  Victim victim;
  ServeAndRegister(victim);
  victim.Call(SYS_openat, {AT_FDCWD, "/etc/shadow", O_RDWR});
}

// Records that find no room are lost, and the children go on.
TEST_F(BrokerTest, AReaderOfTheLogThatHasStoppedStopsNobody) {
  if (getenv("FORKSERVER_SANDBOX_LOG") == nullptr) {
    const testing::ProgramResult result =
        RunAlone("AReaderOfTheLogThatHasStoppedStopsNobody", "FORKSERVER_SANDBOX_LOG=1");
    EXPECT_EQ(result.exit_code, 0) << result.how << result.output << result.errors;
    return;
  }
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  char page[4096] = {};
  while (write(write_end.get(), page, sizeof(page)) > 0) {
  }
  // Blocking from here on, as stderr is.
  ASSERT_EQ(fcntl(write_end.get(), F_SETFL, 0), 0);
  const UniqueFd stderr_before(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  ASSERT_EQ(dup2(write_end.get(), STDERR_FILENO), STDERR_FILENO);
  Start();
  Victim victim;
  ServeAndRegister(victim);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(victim.Call(SYS_openat, {AT_FDCWD, "/etc/shadow", O_RDWR}).error, EACCES);
    EXPECT_EQ(victim.Call(SYS_setpriority, {0, 0, 0}).error, EPERM);
  }
  EXPECT_EQ(broker_->reporter().Snapshot().size(), 10u);
  broker_.reset();
  ASSERT_EQ(dup2(stderr_before.get(), STDERR_FILENO), STDERR_FILENO);
}

TEST_F(BrokerTest, AHostThatIsNotRootServesItsChildren) {
  constexpr char kVariable[] = "FORKSERVER_NOT_ROOT";
  constexpr uid_t kNobody = 65534;
  if (getenv(kVariable) == nullptr) {
    const testing::ProgramResult result =
        RunAlone("AHostThatIsNotRootServesItsChildren", std::string(kVariable) + "=1");
    EXPECT_EQ(result.exit_code, 0) << result.how << result.output << result.errors;
    return;
  }
  if (getuid() == 0) {
    ASSERT_EQ(chown(root_.c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(setgid(kNobody), 0);
    ASSERT_EQ(setuid(kNobody), 0);
    // The change of user took it.
    ASSERT_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
  }
  Start();
  Victim victim;
  ServeAndRegister(victim);
  const VictimAnswer opened = Open(victim, "file");
  EXPECT_EQ(Contents(victim, opened.value), "text of the file");
  EXPECT_GE(Open(victim, "new", O_WRONLY | O_CREAT | O_EXCL).value, 0);
  EXPECT_EQ(victim.Call(SYS_newfstatat, {AT_FDCWD, Path("file"), Room{256}, 0}).value, 0);
  EXPECT_EQ(victim.Call(SYS_newfstatat, {opened.value, "", Room{256}, AT_EMPTY_PATH}).value, 0);
  EXPECT_EQ(
      victim.Call(SYS_openat, {AT_FDCWD, Path("file"), O_RDONLY}, CallsFrom::kNewThread).error, 0);
  EXPECT_EQ(victim.Call(SYS_ptrace, {}).error, ECONNRESET);
}

}  // namespace
}  // namespace forkserver
