// A thread that somebody has left in a process, and that does nothing until the process ends:
// beside it nothing can be forked.
//
//     {"careless", [] { LeaveAThread("font-scanner"); return absl::OkStatus(); }}   // a warm-up
//     setup.before_start = [] { LeaveAThreadInTheHost(); };
#ifndef TESTS_TESTING_LASTING_THREAD_H_
#define TESTS_TESTING_LASTING_THREAD_H_

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <thread>

namespace forkserver::testing {

inline void LeaveAThread(const char* name) {
  std::thread thread([] {
    for (;;) pause();
  });
  pthread_setname_np(thread.native_handle(), name);
  thread.detach();
}

// Not in what the host exec's, which is told of it by its environment.
inline void LeaveAThreadInTheHost() {
  constexpr char kMade[] = "FORKSERVER_TEST_THREAD_MADE";
  if (getenv(kMade) != nullptr) return;
  setenv(kMade, "1", 1);
  LeaveAThread("early-bird");
}

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_LASTING_THREAD_H_
