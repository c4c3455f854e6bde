// A process that a test holds at a place of its choosing: between two of its system calls, or
// between a clone and what comes after it. By ptrace, so that nothing in the process is made for
// it.
//
//     HeldProcess template_process = HeldProcess::Seize(pid);    // it runs on
//     server.LaunchAsync(...);
//     HeldProcess child = *template_process.HoldNextChild();     // both are held now
//     ASSERT_TRUE(child.HoldAfterReceive());                     // it has its Plan
//     SignalProcess(child.pid(), SIGKILL);
//
// A signal to a held process is delivered when it is let go; SIGKILL at once.
//
// Ownership: lets go of the process when it is destroyed. Threads: the one that has seized it;
// nobody reaps it here.
#ifndef TESTS_DEATHS_HELD_PROCESS_H_
#define TESTS_DEATHS_HELD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <utility>

#include "transceiver/unique_fd.h"

namespace forkserver::testing {

class HeldProcess {
 public:
  // It runs on, up to the next Hold; what it forks from now on is held. Of a process with more than
  // one thread, the one of that number.
  static HeldProcess Seize(pid_t pid);

  HeldProcess(HeldProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), is_stopped_(other.is_stopped_) {}
  HeldProcess& operator=(HeldProcess&&) = delete;
  ~HeldProcess() { LetGo(); }

  pid_t pid() const { return pid_; }

  // Has it run up to where it has forked: both are held, the child at its first instruction.
  // Nothing: it ended before that.
  std::optional<HeldProcess> HoldNextChild();
  // Where it is. False, here and below: it ended before.
  bool Hold();
  // Up to where it is about to make this system call.
  bool HoldBefore(long system_call);
  // Up to where a recvmsg of its has brought it something.
  bool HoldAfterReceive();
  // The same for one that is to be given what it waits for later: it is held on its way out.
  // It runs meanwhile.
  void RunTraced();

  // Of one that is held before a call whose first argument is a descriptor: a copy of that.
  UniqueFd TakeDescriptorOfCall();

  void LetGo();

 private:
  explicit HeldProcess(pid_t pid) : pid_(pid) {}

  void Resume(int request);
  // What the kernel says of its next stop; nothing: it has ended.
  std::optional<int> WaitForStop();

  pid_t pid_;
  bool is_stopped_ = false;
};

}  // namespace forkserver::testing

#endif  // TESTS_DEATHS_HELD_PROCESS_H_
