// A thread of which a test can learn that it blocks in a certain system call:
//
//     WatchedThread waiter([&] { outcome = channel.Receive(); });
//     ASSERT_TRUE(waiter.BlocksIn(SYS_recvmsg));
//     ...what must wake it...
//     waiter.Join();
//
// Without that, a test of a wake-up would mostly test that there was nothing to wake. The
// destructor joins.
#ifndef TESTS_TRANSCEIVER_WATCHED_THREAD_H_
#define TESTS_TRANSCEIVER_WATCHED_THREAD_H_

#include <pthread.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "transceiver/clock.h"

namespace forkserver {

class WatchedThread {
 public:
  template <typename Body>
  explicit WatchedThread(Body body)
      : thread_([this, body = std::move(body)] {
          id_promise_.set_value(gettid());
          body();
        }),
        id_(id_promise_.get_future().get()) {}
  WatchedThread(const WatchedThread&) = delete;
  WatchedThread& operator=(const WatchedThread&) = delete;
  ~WatchedThread() { Join(); }

  // False if the thread has not come there after five seconds.
  bool BlocksIn(long system_call) const {
    const std::string path = "/proc/self/task/" + std::to_string(id_) + "/syscall";
    const int64_t deadline = NowNanos() + 5 * kNanosPerSecond;
    // The kernel has no event for "now it blocks", so this looks until it does.
    do {
      std::ifstream file(path);
      long call = -1;
      if (file >> call && call == system_call) return true;
      std::this_thread::yield();
    } while (NowNanos() < deadline);
    return false;
  }

  void Signal(int signal) { pthread_kill(thread_.native_handle(), signal); }

  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  // Declared before the thread, which uses it from its first moment on.
  std::promise<pid_t> id_promise_;
  std::thread thread_;
  pid_t id_;
};

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_WATCHED_THREAD_H_
