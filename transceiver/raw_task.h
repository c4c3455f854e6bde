// A task of clone(2) in the caller's memory: a thread that the C library does not know, or a child
// before its exec.
//
//     struct Work { RawTask task; ... };            // all that it uses, of its own
//     auto work = std::make_unique<Work>();
//     const int pid = work->task.Start(Main, work.get(), CLONE_PIDFD, &pidfd);
//     if (!work->task.has_left().WaitUntil(deadline)) Unfinished<Work>::All().Add(std::move(work));
//
// Nobody has to wait for such a task, as one has to for a child of vfork(2), nor keep what it uses
// until the C library lets go of a thread. It has the thread-local memory of whoever started it,
// which has gone on perhaps: `main` makes raw system calls alone, calls no function of a library,
// and writes what is its own.
//
// Its signals are all blocked. It is not for thread sanitizer, whose functions take it for its
// maker: .bazelrc names the files that are built without that.
#ifndef TRANSCEIVER_RAW_TASK_H_
#define TRANSCEIVER_RAW_TASK_H_

#include <array>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "transceiver/raw_event.h"

namespace forkserver {

class RawTask {
 public:
  // Its number, or minus the errno of clone(2). CLONE_VM and CLONE_CHILD_CLEARTID are added to
  // `clone_flags`. `argument` and this stay until it has left.
  int Start(int (*main)(void* argument), void* argument, int clone_flags, int* pidfd = nullptr);

  // By its exec or its end: it uses nothing here any more. Only of one that has been started.
  const RawEvent& has_left() const { return has_left_; }

 private:
  RawEvent has_left_;
  alignas(16) std::array<char, 32 * 1024> stack_;
};

// What tasks use that nobody waits for: freed when another one comes. `Work` says has_left().
template <typename Work>
class Unfinished {
 public:
  static Unfinished& All() {
    static Unfinished* const all = new Unfinished;  // outlives those that exit() ends
    return *all;
  }

  void Add(std::unique_ptr<Work> work) {
    const std::lock_guard<std::mutex> lock(mutex_);
    works_.push_back(std::move(work));
  }
  void FreeWhatIsDone() {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::erase_if(works_, [](const auto& work) { return work->has_left(); });
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Work>> works_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_RAW_TASK_H_
