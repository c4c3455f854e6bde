// Tests that hold over io_uring, over epoll and over poll alike; or, of loops that several threads
// or other loops share, over the first two.
//
//     class Channels : public EachBackend {};
//     TEST_P(Channels, DeliverPackets) { auto loop = *EventLoop::Create(GetParam()); ... }
//     INSTANTIATE_TEST_SUITE_P(Over, Channels, kEachBackend, BackendName);
#ifndef TESTS_TRANSCEIVER_EACH_BACKEND_H_
#define TESTS_TRANSCEIVER_EACH_BACKEND_H_

#include <sys/syscall.h>

#include <string>

#include "gtest/gtest.h"
#include "transceiver/event_loop.h"

namespace forkserver {

class EachBackend : public ::testing::TestWithParam<EventLoop::Backend> {
 protected:
  void SetUp() override {
    const absl::Status made = EventLoop::Create(GetParam()).status();
    if (GetParam() == EventLoop::Backend::kIoUring && !made.ok()) {
      GTEST_SKIP() << "io_uring is not allowed here: " << made;
    }
    ASSERT_TRUE(made.ok()) << made;
  }

  static long WaitSystemCall() {
    switch (GetParam()) {
      case EventLoop::Backend::kIoUring:
        return SYS_io_uring_enter;
      case EventLoop::Backend::kPoll:
        return SYS_ppoll;
      default:
        return SYS_epoll_pwait2;
    }
  }
};

inline const auto kEachBackend = ::testing::Values(
    EventLoop::Backend::kIoUring, EventLoop::Backend::kEpoll, EventLoop::Backend::kPoll);
inline const auto kEachSharedBackend =
    ::testing::Values(EventLoop::Backend::kIoUring, EventLoop::Backend::kEpoll);

inline std::string BackendName(const ::testing::TestParamInfo<EventLoop::Backend>& backend) {
  switch (backend.param) {
    case EventLoop::Backend::kIoUring:
      return "IoUring";
    case EventLoop::Backend::kPoll:
      return "Poll";
    default:
      return "Epoll";
  }
}

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_EACH_BACKEND_H_
