// Which of the host's children has made a call: by the pids that they are registered under, and by
// those threads of theirs that have called before.
//
//     call.child = registry.FindByThread(call);         // no system call but one, of a thread's
//     ... /proc says whose thread it is: call.pid ...
//     call.child = registry.FindByProcess(call);        // remembers the thread
//     if (call.child == nullptr) registry.Wait(call, deadline);
//
// A child's first call may come before the host has registered it: the host learns of the child
// from its template, and the broker from the kernel. Such a call waits here, until its child is
// registered or its deadline has passed (TakeDue).
//
// A pid that is registered for another listener is not this caller's: the kernel may have given it
// to a process under another filter.
//
// Threads: not safe by itself; the broker's mutex is held over every call.
#ifndef FORKSERVER_HOST_BROKER_CHILD_REGISTRY_H_
#define FORKSERVER_HOST_BROKER_CHILD_REGISTRY_H_

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <atomic>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "child/process_types.h"
#include "child/sandbox/system_calls.h"
#include "forkserver/host/broker/notification_listener.h"
#include "forkserver/host/broker/path_policy.h"
#include "forkserver/host/broker/sandbox_reporter.h"
#include "transceiver/unique_fd.h"

namespace forkserver::broker_internal {

struct Ruleset {
  SystemCalls calls;
  PathPolicy files;
};

struct ServedListener {
  ServedListener(UniqueFd fd, std::vector<Ruleset> rules)
      : listener(std::move(fd)), rulesets(std::move(rules)) {}

  NotificationListener listener;
  const std::vector<Ruleset> rulesets;
};

struct Child {
  std::shared_ptr<ServedListener> served = {};
  pid_t pid = -1;
  size_t ruleset = 0;
  std::atomic<ProcessType> type = ProcessType::kParent;
  RefusalBudget budget = {};
  std::vector<pid_t> threads = {};  // those that the registry knows
};

// One call that was received: where it came from, and of whom.
struct Call {
  std::shared_ptr<ServedListener> served = {};
  std::shared_ptr<Child> child = {};  // null: nobody's that is registered
  pid_t pid = -1;                     // not more than 0: not known
  seccomp_notif notification = {};

  pid_t tid() const { return static_cast<pid_t>(notification.pid); }
};

// The process of a thread, as /proc says: minus the errno where that cannot be read, ESRCH where it
// is no thread.
pid_t ProcessOf(pid_t tid);

class ChildRegistry {
 public:
  struct WaitingCall {
    Call call = {};
    int64_t deadline = 0;
  };

  explicit ChildRegistry(size_t most_waiting) : most_waiting_(most_waiting) {}

  // In place of one that is registered by its pid: the host, which knows its children by their
  // pidfds, has found that one gone.
  void Add(std::shared_ptr<Child> child);
  // Its pid may be another one's by now, which stays.
  void Remove(Child& child);

  // Null: not known by that thread's number.
  std::shared_ptr<Child> FindByThread(const Call& call) const;
  // By call.pid. Null: not registered, or for another listener.
  std::shared_ptr<Child> FindByProcess(const Call& call);

  // False: too many wait.
  bool Wait(Call call, int64_t deadline);
  bool IsWaitedFor(pid_t pid) const;
  // kNever: none waits.
  int64_t first_deadline() const;
  // Those whose child is registered by now, with it, and those that have waited long enough,
  // without.
  std::vector<WaitingCall> TakeDue();
  // Of TakeDue: those from `first` on wait again.
  void PutBack(const std::vector<WaitingCall>& due, size_t first);
  // Of a listener that is served no longer.
  void Forget(const ServedListener& served);
  void ForgetAllWaiting() { waiting_.clear(); }

 private:
  std::shared_ptr<Child> Find(pid_t pid, const ServedListener& served) const;
  void ForgetThreads(Child& child);

  const size_t most_waiting_;
  std::unordered_map<pid_t, std::shared_ptr<Child>> children_;
  std::unordered_map<pid_t, pid_t> threads_;  // a child's other threads: to its pid
  std::vector<WaitingCall> waiting_;
};

}  // namespace forkserver::broker_internal

#endif  // FORKSERVER_HOST_BROKER_CHILD_REGISTRY_H_
