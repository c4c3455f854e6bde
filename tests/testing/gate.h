// A gate between a test and the processes of its fork server: a warm-up waits at it until the test
// opens it, and the test learns that somebody is there.
//
//     static Gate* gate = Gate::Map();                 // before ForkServer::Start
//     {"slow", [] { gate->Pass(); return absl::OkStatus(); }}
//     ...
//     ASSERT_TRUE(gate->WaitForArrivals(1));
//     gate->Open();
//
// It lies in memory that forked processes share; one that was exec'ed has another.
#ifndef TESTS_TESTING_GATE_H_
#define TESTS_TESTING_GATE_H_

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace forkserver::testing {

class Gate {
 public:
  // Never unmapped.
  static Gate* Map() {
    void* memory =
        mmap(nullptr, sizeof(Gate), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    return new (memory) Gate;
  }

  // Counts the caller, and waits until the gate is open.
  void Pass() {
    arrivals_.fetch_add(1);
    Wake(arrivals_);
    while (open_.load() == 0) Wait(open_, 0, nullptr);
  }

  void Open() {
    open_.store(1);
    Wake(open_);
  }
  void Close() { open_.store(0); }

  uint32_t arrivals() const { return arrivals_.load(); }
  // False: fewer than `count` came within ten seconds.
  bool WaitForArrivals(uint32_t count) {
    const timespec patience = {.tv_sec = 10, .tv_nsec = 0};
    for (uint32_t seen; (seen = arrivals_.load()) < count;) {
      if (Wait(arrivals_, seen, &patience) == ETIMEDOUT) return false;
    }
    return true;
  }

 private:
  Gate() = default;

  static int Wait(std::atomic<uint32_t>& word, uint32_t seen, const timespec* patience) {
    return syscall(SYS_futex, &word, FUTEX_WAIT, seen, patience, nullptr, 0) == 0 ? 0 : errno;
  }
  static void Wake(std::atomic<uint32_t>& word) {
    syscall(SYS_futex, &word, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
  }

  std::atomic<uint32_t> open_ = 0;
  std::atomic<uint32_t> arrivals_ = 0;
};

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_GATE_H_
