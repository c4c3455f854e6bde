// Answers what the filters of sandboxed children do not let through.
//
//     auto broker = Broker::Start({});
//     auto listener = (*broker)->Serve(std::move(listener_fd), {{policy.calls, policy.files}});
//     auto child = (*broker)->Register(*listener, pid, 0, ProcessType::kContent);
//     ...
//     for (const RefusedCall& call : (*broker)->reporter().Snapshot()) ...
//
// A template's filter has a notification listener, which the host gives to Serve; it must be the
// only process that has it then. (The filter is to be made with WAIT_KILLABLE_RECV: without it a
// signal to the child can have an operation done twice.) Each call comes from a registered child,
// whose rules say how it is answered: with an errno, with SIGKILL to the child, or by carrying it
// out (file_broker.h). What is not carried out is told to the reporter.
//
// One thread receives, carries out and answers, so that a call costs two changes of thread and no
// hand-over. When an operation takes longer than the deadline, the child is answered ETIMEDOUT, and
// another thread takes over; what the late one still does stays done, and its answer is dropped.
// With `max_stuck_threads` of those, calls that would have to be carried out are answered EAGAIN
// until one comes back; what is refused anyway still is refused.
//
// A call of a process that nobody has registered (yet) waits for Register, for
// `registration_patience`, holding up nobody; then it is EPERM. So the calls of a child can wait
// ahead of its launch's answer.
//
// The environment's FORKSERVER_SANDBOX_LOG=1, read at the start, prints each record to stderr.
//
// Ownership: destroying it closes all listeners (the kernel then answers ENOSYS), and waits for an
// operation in progress, but not longer than the deadline. Registrations may outlive it.
// Threads: any may call, at the same time. Its own threads take no signals. After a fork: none of
// it is there in the child, which must not use it; its descriptors are close-on-exec.
// Rights: those of a parent over children of the same user; a child must be dumpable to be served.
// The broker's thread has no capabilities, also where the host is root: it opens what the host's
// user may open.
#ifndef FORKSERVER_HOST_BROKER_BROKER_H_
#define FORKSERVER_HOST_BROKER_BROKER_H_

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "child/process_types.h"
#include "child/sandbox/file_rule.h"
#include "child/sandbox/system_calls.h"
#include "forkserver/host/broker/file_broker.h"
#include "forkserver/host/broker/sandbox_reporter.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

struct BrokerOptions {
  FileBrokerOptions files = {};
  ReporterOptions reporter = {};
  absl::Duration deadline = absl::Seconds(2);  // of one operation; at most a day
  absl::Duration registration_patience = absl::Seconds(2);
  size_t max_stuck_threads = 8;
  size_t max_waiting_for_registration = 1024;  // calls; more are EPERM at once
  // Called on the broker's thread before each operation that is carried out: for tests.
  std::function<void(const seccomp_data&)> before_operation = {};
};

// One set of rules. A listener has several where children of several policies share a template.
struct BrokerRules {
  SystemCalls calls = {};
  std::vector<FileRule> files = {};
};

enum class ListenerId : uint64_t {};

namespace broker_internal {
class Core;
struct Child;
}  // namespace broker_internal

// A child's place in the broker, as long as this lives. To be destroyed before the child is reaped:
// from then on the kernel may give its pid to another.
class ChildRegistration {
 public:
  ChildRegistration() = default;
  ChildRegistration(ChildRegistration&&) noexcept = default;
  ChildRegistration& operator=(ChildRegistration&&) noexcept;
  ~ChildRegistration() { reset(); }

  // For the records: a blank child's type is known at its launch only.
  void SetType(ProcessType type);

  void reset();

 private:
  friend class Broker;
  ChildRegistration(std::shared_ptr<broker_internal::Core> core,
                    std::shared_ptr<broker_internal::Child> child)
      : core_(std::move(core)), child_(std::move(child)) {}

  std::shared_ptr<broker_internal::Core> core_;
  std::shared_ptr<broker_internal::Child> child_;
};

class Broker {
 public:
  static absl::StatusOr<std::unique_ptr<Broker>> Start(BrokerOptions options);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // An error names the bad file rule, or says that the descriptor is no listener.
  absl::StatusOr<ListenerId> Serve(UniqueFd listener, const std::vector<BrokerRules>& rulesets);

  // Closes it: its children's calls then fail with ENOSYS. An unknown id: nothing.
  void StopServing(ListenerId id);

  // `pid` as the host sees it. NotFound for a listener or ruleset that is not (any more) served.
  // A pid that is registered already is this child's from here on: the other one, whom somebody
  // else has reaped, is gone. Makes no system call, unless a call of that child waits for it.
  absl::StatusOr<ChildRegistration> Register(ListenerId id, pid_t pid, size_t ruleset,
                                             ProcessType type);

  // As destroying it does, but for the records, which are still there. False: a thread is stuck in
  // an operation, and is left to itself.
  bool Stop();

  SandboxReporter& reporter();

 private:
  explicit Broker(std::shared_ptr<broker_internal::Core> core) : core_(std::move(core)) {}

  const std::shared_ptr<broker_internal::Core> core_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_BROKER_H_
