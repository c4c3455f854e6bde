// Tests that hold over io_uring and over epoll alike.
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
    return GetParam() == EventLoop::Backend::kIoUring ? SYS_io_uring_enter : SYS_epoll_pwait2;
  }
};

inline const auto kEachBackend =
    ::testing::Values(EventLoop::Backend::kIoUring, EventLoop::Backend::kEpoll);

inline std::string BackendName(const ::testing::TestParamInfo<EventLoop::Backend>& backend) {
  return backend.param == EventLoop::Backend::kIoUring ? "IoUring" : "Epoll";
}

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_EACH_BACKEND_H_
