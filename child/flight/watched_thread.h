// A thread of a child's program whose stack may overflow and be reported.
//
//     std::thread worker = StartWatchedThread([&] { Work(); });
//     ...
//     worker.join();
//
// As std::thread(body), with a CrashStack (crash_handler.h) for as long as the body runs: 30 KiB of
// address space and five system calls. Where there is no memory for it, or a sandbox refuses it,
// the body runs all the same, and a crash that is not recorded for want of it has "no stack" with
// the call that failed in its report. Other crashes than an overflow are recorded on any thread.
//
// Throws std::system_error where there can be no thread, as std::thread does. Not between a fork
// and Ready.
#ifndef CHILD_FLIGHT_WATCHED_THREAD_H_
#define CHILD_FLIGHT_WATCHED_THREAD_H_

#include <thread>
#include <utility>

#include "child/flight/crash_handler.h"

namespace forkserver {

template <typename Body>
std::thread StartWatchedThread(Body body) {
  return std::thread([body = std::move(body)]() mutable {
    CrashStack stack;
    stack.Use();
    body();
  });
}

}  // namespace forkserver

#endif  // CHILD_FLIGHT_WATCHED_THREAD_H_
