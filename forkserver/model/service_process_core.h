// The part of ServiceProcess (service_process.h) that is the same for all hosts.
#ifndef FORKSERVER_MODEL_SERVICE_PROCESS_CORE_H_
#define FORKSERVER_MODEL_SERVICE_PROCESS_CORE_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/child_program.h"
#include "child/process_types.h"
#include "forkserver/model/process_host_core.h"
#include "transceiver/event_loop.h"

namespace forkserver {

struct ServiceOptions {
  // What a type with a fallback runs on its thread: the program that its processes run.
  ChildProgramFactory fallback_program = {};
  HostedLaunch launch = {};  // of each
  // For reports: it was launched, and here it runs; or it has ended, and `process` is null. `why`:
  // how an end that was not asked for came. May destroy the ServiceProcess.
  std::function<void(const ProcessHandle* process, const absl::Status& why)> on_change = {};
  // The same of each end, asked for or not, ahead of on_change.
  std::function<void(const ProcessEnd& end)> on_end = {};
};

class ServiceProcessCore {
 public:
  // One end is an accident, and so may be a second. Three are the driver, the machine or the
  // program: whoever asks again has the same again, and everybody waits for it.
  static constexpr int kMostEnds = 3;

  ServiceProcessCore(const ServiceProcessCore&) = delete;
  ServiceProcessCore& operator=(const ServiceProcessCore&) = delete;

  ProcessType type() const { return row_.type; }
  // Where it runs at the moment; null: it is not launched yet, or not any more.
  const ProcessHandle* process() const;
  // Asks where it runs to end, behind all that it was sent. Who needs it later has it launched
  // again.
  void ShutDown();
  // How many of its processes ended without having been asked to, or were not launched.
  int ends() const { return ends_; }

 protected:
  using CoreFactory = std::function<std::unique_ptr<ProcessHostCore>(ParentProcess& parent)>;

  ServiceProcessCore(ParentProcess& parent, ProcessType type, CoreFactory make,
                     ServiceOptions options);
  ~ServiceProcessCore() = default;
  // Ends all there is; what is needed after it is refused.
  void Close();

  absl::StatusOr<ProcessHostCore*> NeedHost();

 private:
  bool IsGivenUpAsProcess() const { return ends_ >= kMostEnds; }
  absl::Status WhyGivenUp() const;
  void Begin(ProcessHostCore& host);
  void OnEnd(RunsIn ran_in, const ProcessEnd& end);
  void OnTurn();
  void Tell(const ProcessHandle* process, const absl::Status& why) const;

  ParentProcess& parent_;
  const ProcessTypeRow& row_;
  const CoreFactory make_;
  const ServiceOptions options_;
  // The first is launched. One behind it was needed when it was ending already.
  std::deque<std::unique_ptr<ProcessHostCore>> hosts_;
  // Destroyed in the loop's next turn: an end may come while its launch is being asked for.
  std::vector<std::unique_ptr<ProcessHostCore>> ended_;
  EventLoop::TimerId turn_ = 0;
  bool is_begun_ = false;  // the first one
  int ends_ = 0;
  std::string last_end_;
  absl::Status given_up_;  // not ok: nothing is launched any more
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_SERVICE_PROCESS_CORE_H_
