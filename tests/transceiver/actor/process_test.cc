// Actors between two real processes: how each end of a process is seen, and who sent what.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

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
