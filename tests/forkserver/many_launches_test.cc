// Many launches at once: by one thread and by many, whoever drives the server's loop, and where
// descriptors run out.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/forkserver/launch_host.h"
#include "tests/testing/host_test.h"

namespace forkserver::testing {
namespace {

HOST_TEST(Launch, ManyAtOnceAllBecomeReady) {
  constexpr size_t kLaunches = 200;
  std::vector<LaunchedChild> children;
  size_t ended = 0;
  for (size_t i = 0; i < kLaunches; ++i) {
    LaunchOptions options = Options({"exit", std::to_string(i % 100)});
    options.timeout = absl::InfiniteDuration();
    server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
      ++ended;
      if (child.ok()) children.push_back(*std::move(child));
    });
  }
  while (ended < kLaunches) server.Dispatch(absl::Seconds(10));
  ASSERT_EQ(children.size(), kLaunches);
  std::multiset<int> codes;
  for (LaunchedChild& child : children) codes.insert(child.process.Wait()->code);
  for (int code = 0; code < 100; ++code) EXPECT_EQ(codes.count(code), 2u);
}

// More Forks than the template's socket holds (278): the rest wait in the host's queue, and
// nobody blocks.
HOST_TEST(Launch, MoreAtOnceThanASocketHoldsWaitInTheHost) {
  rlimit limit = {.rlim_cur = 8192, .rlim_max = 8192};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) GTEST_SKIP() << "no room for 8192 descriptors";
  absl::StatusOr<LaunchedChild> stopper = server.Launch(Options({"wait"}));
  constexpr size_t kLaunches = 600;
  size_t ended = 0;
  size_t good = 0;
  // The root is stopped, so that nothing drains.
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"exit", "0"});
  options.timeout = absl::InfiniteDuration();
  for (size_t i = 0; i < kLaunches; ++i) {
    server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
      ++ended;
      if (child.ok() && child->process.Wait()->success()) ++good;
    });
  }
  EXPECT_EQ(ended, 0u);
  ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
  while (ended < kLaunches) server.Dispatch(absl::Seconds(10));
  EXPECT_EQ(good, kLaunches);
}

HOST_TEST(Launch, ThreadsShareTheServer) {
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&server, &good, i] {
      for (int j = 0; j < kEach; ++j) {
        LaunchOptions options = Options({"exit", std::to_string(i)});
        // No deadline that would wake a thread which nobody woke.
        options.timeout = absl::InfiniteDuration();
        absl::StatusOr<LaunchedChild> child = server.Launch(options);
        // The parent-death signal follows the main thread, so these children outlive theirs.
        if (child.ok() && child->process.Wait()->code == i) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach);
}

// The callback of one thread's launch may run on another thread, that of its own launch too.
HOST_TEST(Launch, CallbacksRunOnWhicheverThreadDispatches) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&server, &good] {
      for (int j = 0; j < kEach; ++j) {
        std::atomic<bool> ended = false;
        LaunchOptions options = Options({"exit", "0"});
        options.timeout = absl::InfiniteDuration();
        server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
          if (child.ok() && child->process.Wait()->success()) ++good;
          ended = true;
        });
        while (!ended) server.Dispatch(absl::Milliseconds(50));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach);
}

HOST_TEST(Launch, CallbackMayLaunchAgain) {
  int ended = 0;
  int inner_code = -1;
  server.LaunchAsync(Options({"exit", "0"}), [&](absl::StatusOr<LaunchedChild> child) {
    EXPECT_TRUE(child.ok());
    absl::StatusOr<LaunchedChild> inner = server.Launch(Options({"exit", "8"}));
    if (inner.ok()) inner_code = inner->process.Wait()->code;
    ++ended;
  });
  while (ended == 0) server.Dispatch(absl::Seconds(10));
  EXPECT_EQ(inner_code, 8);
}

HOST_TEST(Launch, PollableDescriptorWakesAnotherLoop) {
  int ended = 0;
  server.LaunchAsync(Options({"exit", "0"}), [&](absl::StatusOr<LaunchedChild>) { ++ended; });
  // One that cannot even begin ends without an event of the kernel's.
  LaunchOptions impossible = Options({"exit", "0"});
  impossible.Map(9999, 5);
  server.LaunchAsync(impossible, [&](absl::StatusOr<LaunchedChild> child) {
    EXPECT_FALSE(child.ok());
    ++ended;
  });
  while (ended < 2) {
    pollfd state = {.fd = server.pollable_fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&state, 1, 10'000), 1);
    server.Dispatch();
  }
}

// What is watched is handed to the kernel before each return to the embedder, not at its next wait.
HOST_TEST(Launch, PollableDescriptorThatIsHeldWakesAnotherLoop) {
  pollfd state = {.fd = server.pollable_fd(), .events = POLLIN, .revents = 0};
  for (int i = 0; i < 20; ++i) {
    bool ended = false;
    server.LaunchAsync(Options({"exit", "0"}), [&](absl::StatusOr<LaunchedChild> child) {
      EXPECT_TRUE(child.ok()) << child.status();
      ended = true;
    });
    while (!ended) {
      ASSERT_EQ(poll(&state, 1, 10'000), 1);
      server.Dispatch();
    }
  }
  // A deadline too.
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"exit", "0"});
  options.timeout = absl::Milliseconds(20);
  bool ended = false;
  server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(child.status())) << child.status();
    ended = true;
  });
  while (!ended) {
    ASSERT_EQ(poll(&state, 1, 10'000), 1);
    server.Dispatch();
  }
  ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
}

// A thread that asks for launches and ends leaves them to whoever waits.
HOST_TEST(Launch, LaunchesOfAThreadThatHasEndedBecomeReady) {
  std::atomic<int> good = 0;
  const int held = server.pollable_fd();
  EXPECT_GE(held, 0);
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  std::thread([&] {
    for (int i = 0; i < 20; ++i) {
      server.LaunchAsync(Options({"exit", "0"}),
                         [&](absl::StatusOr<LaunchedChild> child) { good += child.ok(); });
    }
  }).join();
  ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
  for (int i = 0; i < 100 && good < 20; ++i) server.Dispatch(absl::Seconds(1));
  EXPECT_EQ(good, 20);
}

// A descriptor of the host's is not free when the pidfd comes; its slot was kept.
HOST_TEST(Launch, HostAtItsDescriptorLimitGetsAnErrorOrAChildButLosesNothing) {
  const size_t open_now = CountOpenDescriptors();
  const size_t children = CountChildren();
  for (size_t spare = 0; spare < 6; ++spare) {
    rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    std::vector<UniqueFd> filler;
    // Numbers are given out from the lowest: fill the holes, then leave `spare` free.
    rlimit low = {.rlim_cur = 64, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (;;) {
      UniqueFd fd(fcntl(0, F_DUPFD_CLOEXEC, 3));
      if (!fd.is_open()) break;
      filler.push_back(std::move(fd));
    }
    for (size_t i = 0; i < spare; ++i) filler.pop_back();
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "0"}));
    if (child.ok()) {
      EXPECT_TRUE(child->process.Wait()->success());
    } else {
      EXPECT_NE(std::string(child.status().message()).find("EMFILE"), std::string::npos)
          << child.status();
    }
    // Two ends of the launch socket; the far one's slot becomes the pidfd's.
    EXPECT_EQ(child.ok(), spare >= 2) << spare << " spare: " << child.status();
    filler.clear();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  }
  EXPECT_LE(CountOpenDescriptors(), open_now);
  EXPECT_EQ(CountChildren(), children);
  EXPECT_TRUE(server.Launch(Options({"exit", "0"})).ok());
}

HOST_TEST(Launch, ThousandsLeakNothingInTheTemplate) {
  const std::string folder = absl::StrFormat("/proc/%d/fd", server.root_pid().value());
  const auto count = [&folder] {
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
    size_t entries = 0;
    while (readdir(listing.get()) != nullptr) ++entries;
    return entries;
  };
  const size_t before = count();
  for (int i = 0; i < 1000; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "0"}));
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_TRUE(child->process.Wait()->success());
  }
  ASSERT_TRUE(server.Ping(absl::Seconds(10)).ok());  // the template has done everything else
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace forkserver::testing
