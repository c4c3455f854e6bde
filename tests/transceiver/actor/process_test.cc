// Actors between two real processes: how each end of a process is seen, and who sent what.
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/transceiver/actor/hotline.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver {
namespace {

class Processes : public ::testing::Test {
 protected:
  void Start(std::string what) {
    loop_ = *EventLoop::Create(EventLoop::Backend::kEpoll);
    // The pid is known only after the other end is out; a packet cannot come before the Note.
    auto pair = CreateEndpoints<Hotline>({.pid = getpid()}, {});
    ASSERT_TRUE(pair.ok());
    ASSERT_TRUE(pair->parent.CheckSender().ok());
    const UniqueFd far = pair->child.Take().socket;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, far.get(), 3);
    std::string path = "tests/transceiver/actor/hotline_victim";
    char* argv[] = {path.data(), what.data(), nullptr};
    const int error = posix_spawn(&pid_, path.c_str(), &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    ASSERT_EQ(error, 0);
    ActorOptions options = parent_.Recording();
    options.peer_pid = pid_;
    ASSERT_TRUE(parent_.Bind(*loop_, pair->parent.Take().socket, std::move(options)).ok());
    ASSERT_TRUE(parent_.Send(Note{.number = 0}).ok());
  }
  void RunToTheEnd() {
    EXPECT_TRUE(RunUntil(*loop_, [&] { return parent_.is_ended(); }));
  }
  // Looks until it does, as WatchedThread (tests/transceiver/watched_thread.h).
  bool BlocksInOrEnds(long system_call) {
    const std::string path = "/proc/" + std::to_string(pid_) + "/syscall";
    const int64_t deadline = Late();
    do {
      std::ifstream file(path);
      long call = -1;
      if (file >> call && call == system_call) return true;
      siginfo_t info = {};
      if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == pid_) {
        return true;
      }
      sched_yield();
    } while (NowNanos() < deadline);
    return false;
  }
  int Reap() {
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return status;
  }

  std::unique_ptr<EventLoop> loop_;
  HotlineParent parent_;
  pid_t pid_ = -1;
};

TEST_F(Processes, ThatExitWithoutGoodbyeEndAbnormally) {
  Start("exit");
  RunToTheEnd();
  EXPECT_EQ(parent_.events, (Events{"note 1", "end abnormal"}));
  EXPECT_TRUE(parent_.violations.empty());
  EXPECT_EQ(Reap(), 0);
}

TEST_F(Processes, ThatAreKilledEndAbnormally) {
  Start("die");
  RunToTheEnd();
  EXPECT_EQ(parent_.events, (Events{"note 1", "end abnormal"}));
  EXPECT_EQ(WTERMSIG(Reap()), SIGKILL);
}

TEST_F(Processes, ThatCloseAndExitEndNormally) {
  Start("close");
  RunToTheEnd();
  EXPECT_EQ(parent_.events, (Events{"note 1", "end normal"}));
  EXPECT_EQ(Reap(), 0);
}

// It has no loop any more that could send the Goodbye later.
TEST_F(Processes, ThatCloseAFullSocketAndExitEndNormally) {
  Start("close full");
  // What its Close waits in; if it does not wait, the process ends.
  ASSERT_TRUE(BlocksInOrEnds(SYS_ppoll));
  RunToTheEnd();
  ASSERT_GT(parent_.events.size(), 2u);
  EXPECT_EQ(parent_.events.back(), "end normal");
  parent_.events.pop_back();
  Events expected;
  for (size_t i = 1; i <= parent_.events.size(); ++i)
    expected.push_back("note " + std::to_string(i));
  EXPECT_EQ(parent_.events, expected) << "what was in the socket, in its order";
  EXPECT_EQ(Reap(), 0);
}

TEST_F(Processes, ThatCloseAFullSocketEndAlsoWhenTheParentHasGone) {
  Start("close full");
  ASSERT_TRUE(BlocksInOrEnds(SYS_ppoll));
  parent_.Close();
  EXPECT_EQ(Reap(), 0);
}

TEST_F(Processes, WaitForTheParentsAnswer) {
  Start("wait");
  RunToTheEnd();
  EXPECT_EQ(parent_.events, (Events{"note 1", "asked q", "end abnormal"}));
  EXPECT_EQ(Reap(), 0);
}

TEST_F(Processes, ThatHaveAnotherSendForThemBreakTheProtocol) {
  Start("pretend");
  RunToTheEnd();
  EXPECT_EQ(parent_.events, (Events{"note 1", "end abnormal"}));
  ASSERT_EQ(parent_.violations.size(), 1u);
  EXPECT_NE(parent_.violations[0].message().find(", not by " + std::to_string(pid_)),
            std::string::npos)
      << parent_.violations[0];
  EXPECT_EQ(Reap(), 0);
}

TEST_F(Processes, LeaveNoDescriptorBehind) {
  const size_t before = OpenDescriptors();
  Start("close");
  RunToTheEnd();
  Reap();
  loop_.reset();
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace forkserver
