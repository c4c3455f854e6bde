// The broker's state, which its threads share. A thread that is stuck in an operation may outlive
// the Broker, so each of them owns it too.
#ifndef FORKSERVER_HOST_BROKER_BROKER_CORE_H_
#define FORKSERVER_HOST_BROKER_BROKER_CORE_H_

#include <stdint.h>
#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "forkserver/host/broker/broker.h"
#include "forkserver/host/broker/child_registry.h"
#include "forkserver/host/broker/request_in_progress.h"
#include "forkserver/host/broker/sandbox_reporter.h"
#include "transceiver/unique_fd.h"

namespace forkserver::broker_internal {

// A thread that serves. At any time one is in charge; the others are stuck.
using Worker = RequestInProgress<Call>;

class Core : public std::enable_shared_from_this<Core> {
 public:
  static absl::StatusOr<std::shared_ptr<Core>> Start(BrokerOptions options);
  // False: a thread is left behind in an operation.
  bool Stop();

  absl::StatusOr<ListenerId> Serve(UniqueFd listener, const std::vector<BrokerRules>& rulesets);
  void StopServing(ListenerId id);
  absl::StatusOr<std::shared_ptr<Child>> Register(ListenerId id, pid_t pid, size_t ruleset,
                                                  ProcessType type);
  void Unregister(Child& child);
  SandboxReporter& reporter() { return reporter_; }

  explicit Core(BrokerOptions options);

 private:
  // The thread in charge. Each false: it is not any more.
  void Work(const std::shared_ptr<Worker>& me);
  bool TakeTurn(const std::shared_ptr<Worker>& me);
  bool ReceiveOne(const std::shared_ptr<Worker>& me, uint64_t id, uint32_t events);
  bool ServeWaiting(const std::shared_ptr<Worker>& me);
  bool HandleCall(const std::shared_ptr<Worker>& me, Call& call);
  bool CarryOut(const std::shared_ptr<Worker>& me, Call& call);
  int MillisToWait();

  // Sets the call's child, or has the call wait for one. False: it waits, or has been answered.
  bool FindChild(Call& call);

  void Answer(Call& call, CallOutcome outcome, int error, std::string path = {});
  void Kill(const Call& call);

  // The watchdog.
  void Watch();
  void WakeWatchdog();
  void Replace(std::unique_lock<std::mutex>& lock, Call& call);
  bool StartWorker();

  void Wake();

  const BrokerOptions options_;
  const int64_t deadline_nanos_;
  const int64_t patience_nanos_;
  SandboxReporter reporter_;
  UniqueFd epoll_;
  UniqueFd wake_;
  std::thread watchdog_;

  std::atomic<bool> is_stopping_ = false;
  std::atomic<bool> watchdog_is_awake_ = false;
  std::atomic<uint64_t> begun_ = 0;  // operations
  // Below zero for a moment, when one comes back before it is counted.
  std::atomic<int64_t> stuck_ = 0;

  // Never held over an operation on a file, nor over a system call that may block.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Worker> in_charge_;
  std::thread worker_;       // the one in charge's
  bool is_running_ = false;  // it has not ended
  uint64_t last_listener_ = 0;
  std::unordered_map<uint64_t, std::shared_ptr<ServedListener>> listeners_;
  ChildRegistry registry_;
  RefusalBudget strangers_;  // of all who are not registered
};

}  // namespace forkserver::broker_internal

#endif  // FORKSERVER_HOST_BROKER_BROKER_CORE_H_
