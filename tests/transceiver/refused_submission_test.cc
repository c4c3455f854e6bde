// What the kernel will not take into the ring for now, while another thread sleeps in it: nobody
// else would submit it, and the sleeper hears of nothing that is not submitted.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

constexpr int kRefusals = 3;

// Far enough that only a failing test gets there.
int64_t Late() { return NowNanos() + 5 * kNanosPerSecond; }

// Puts the calling thread under a filter that asks a supervisor about io_uring_enter. Returns its
// listener, or -1.
int LoadFilter() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {.len = std::size(code), .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

// Runs `body` in a thread whose first so many calls of io_uring_enter fail with `error`, and the
// later ones go through. Returns how many there were in all, or -1 where no filter can be loaded.
int RunRefused(int error, int refusals, const std::function<void()>& body) {
  std::promise<int> listener_promise;
  std::thread refused([&] {
    const int listener = LoadFilter();
    listener_promise.set_value(listener);
    if (listener >= 0) body();
  });
  const UniqueFd listener(listener_promise.get_future().get());
  int calls = listener.is_open() ? 0 : -1;
  // It hangs up when the last thread under the filter has ended.
  for (pollfd state = {.fd = listener.get(), .events = POLLIN, .revents = 0};
       listener.is_open() && poll(&state, 1, -1) == 1 && (state.revents & POLLIN) != 0;) {
    seccomp_notif request = {};
    if (ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) continue;
    seccomp_notif_resp answer = {.id = request.id, .val = 0, .error = 0, .flags = 0};
    if (calls++ < refusals) {
      answer.error = -error;
    } else {
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  refused.join();
  return calls;
}

class RefusedSubmission : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<EventLoop>> made =
        EventLoop::Create(EventLoop::Backend::kIoUring);
    if (!made.ok()) GTEST_SKIP() << "io_uring is not allowed here: " << made.status();
    if (RunRefused(EAGAIN, 0, [] {}) < 0) GTEST_SKIP() << "no filter can have a listener here";
    loop_ = *std::move(made);
  }

  std::unique_ptr<EventLoop> loop_;
  const UniqueFd ready_{eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST_F(RefusedSubmission, IsOfferedAgainWhileAnotherThreadWaits) {
  for (const int error : {EAGAIN, EBUSY, ENOMEM}) {
    EventLoop::Events events;
    WatchedThread waiter([&] { loop_->WaitForEvents(Late(), events); });
    ASSERT_TRUE(waiter.BlocksIn(SYS_io_uring_enter));
    EventLoop::WatchId id = 0;
    const int calls = RunRefused(error, kRefusals, [&] {
      id = loop_->Watch(ready_.get(), EPOLLIN, [&](uint32_t) { loop_->Unwatch(id); }).value_or(0);
    });
    waiter.Join();
    EXPECT_EQ(calls, kRefusals + 1) << "errno " << error;
    EXPECT_EQ(events.count, 1) << "errno " << error;
    loop_->Dispatch(events);
  }
}

TEST_F(RefusedSubmission, OfATimerIsOfferedAgainWhileAnotherThreadWaits) {
  EventLoop::Events events;
  WatchedThread waiter([&] { loop_->WaitForEvents(Late(), events); });
  ASSERT_TRUE(waiter.BlocksIn(SYS_io_uring_enter));
  bool ran = false;
  const int calls = RunRefused(EAGAIN, kRefusals, [&] {
    loop_->AddTimer(NowNanos() + kNanosPerMilli, [&] { ran = true; });
  });
  waiter.Join();
  EXPECT_EQ(calls, kRefusals + 1);
  loop_->Dispatch(events);
  EXPECT_TRUE(ran);
}

// An armed poll holds its file.
TEST_F(RefusedSubmission, OfAnUnwatchIsOfferedAgainWhileAnotherThreadWaits) {
  int sockets[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
  UniqueFd near(sockets[0]);
  const UniqueFd far(sockets[1]);
  const EventLoop::WatchId id = loop_->Watch(near.get(), EPOLLIN, [](uint32_t) {}).value_or(0);
  EventLoop::Events events;
  WatchedThread waiter([&] { loop_->WaitForEvents(NowNanos() + 5 * kNanosPerSecond, events); });
  ASSERT_TRUE(waiter.BlocksIn(SYS_io_uring_enter));
  EXPECT_EQ(RunRefused(EAGAIN, kRefusals, [&] { loop_->Unwatch(id); }), kRefusals + 1);
  near.reset();
  // The thread that watched lets go of it, and that one sleeps.
  pollfd state = {.fd = far.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&state, 1, 2000), 1);
  EXPECT_NE(state.revents & POLLHUP, 0);
  loop_->AddTimer(0, [] {});
  waiter.Join();
  loop_->Dispatch(events);
}

// There is no sense in asking again; what is queued goes with the next call that is let through.
TEST_F(RefusedSubmission, IsNotOfferedAgainWhereItIsForbidden) {
  EventLoop::Events events;
  WatchedThread waiter([&] { loop_->WaitForEvents(Late(), events); });
  ASSERT_TRUE(waiter.BlocksIn(SYS_io_uring_enter));
  EventLoop::WatchId id = 0;
  const int calls = RunRefused(EPERM, kRefusals, [&] {
    id = loop_->Watch(ready_.get(), EPOLLIN, [](uint32_t) {}).value_or(0);
  });
  EXPECT_EQ(calls, 1);
  loop_->Flush();
  waiter.Join();
  EXPECT_EQ(events.count, 1);
  loop_->Dispatch(events);
  loop_->Unwatch(id);
}

}  // namespace
}  // namespace forkserver
