#include "forkserver/host/start_thread.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <thread>
#include <utility>

namespace forkserver {
namespace {

bool IsBlocked(int signal) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  return sigismember(&blocked, signal) == 1;
}

TEST(StartThread, ThreadTakesNoSignals) {
  bool blocks_term = false;
  bool blocks_user = false;
  std::thread thread;
  ASSERT_TRUE(StartThread(
      [&] {
        blocks_term = IsBlocked(SIGTERM);
        blocks_user = IsBlocked(SIGUSR1);
      },
      thread));
  thread.join();
  EXPECT_TRUE(blocks_term);
  EXPECT_TRUE(blocks_user);
}

TEST(StartThread, CallersMaskIsWhatItWas) {
  sigset_t user;
  sigemptyset(&user);
  sigaddset(&user, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &user, nullptr), 0);
  std::thread thread;
  ASSERT_TRUE(StartThread([] {}, thread));
  thread.join();
  EXPECT_TRUE(IsBlocked(SIGUSR1));
  EXPECT_FALSE(IsBlocked(SIGTERM));
  pthread_sigmask(SIG_UNBLOCK, &user, nullptr);
}

TEST(StartThread, BodyMayOwnWhatCannotBeCopied) {
  auto owned = std::make_unique<int>(1);
  int seen = 0;
  std::thread thread;
  ASSERT_TRUE(StartThread([owned = std::move(owned), &seen] { seen = *owned; }, thread));
  thread.join();
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace forkserver
