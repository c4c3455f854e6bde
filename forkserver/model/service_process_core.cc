#include "forkserver/model/service_process_core.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "forkserver/model/parent_process.h"

namespace forkserver {
namespace {

bool WasAskedFor(const ProcessEnd& end) {
  return end.exit.ok() && end.exit->success() && end.port.ok();
}

}  // namespace

ServiceProcessCore::ServiceProcessCore(ParentProcess& parent, ProcessType type, CoreFactory make,
                                       ServiceOptions options)
    : parent_(parent),
      row_(*FindProcessType(type)),
      make_(std::move(make)),
      options_(std::move(options)) {
  // Where it fails, the next who needs it begins again.
  if (row_.start == ProcessStart::kAtOnce) NeedHost().IgnoreError();
}

void ServiceProcessCore::Close() {
  *alive_ = false;
  if (turn_ != 0) parent_.loop().CancelTimer(std::exchange(turn_, 0));
  given_up_ = absl::UnavailableError(absl::StrCat(std::string(row_.name), ": is being closed"));
  for (const auto& host : std::exchange(hosts_, {})) {
    host->WhenEnded(nullptr);
    // A Goodbye, so that its program ends as it does in a process. A process is killed instead.
    if (host->process() != nullptr && host->process()->runs_in == RunsIn::kParentThread) {
      host->ShutDown(absl::InfiniteDuration());
    }
  }
}

const ProcessHandle* ServiceProcessCore::process() const {
  return hosts_.empty() ? nullptr : hosts_.front()->process();
}

void ServiceProcessCore::ShutDown() {
  if (!hosts_.empty() && hosts_.front()->MayBeGivenWork()) hosts_.front()->ShutDownWhenDelivered();
}

absl::Status ServiceProcessCore::WhyGivenUp() const {
  return absl::UnavailableError(
      absl::StrFormat("%s: gave up after %d ends: %s", row_.name, ends_, last_end_));
}

absl::StatusOr<ProcessHostCore*> ServiceProcessCore::NeedHost() {
  if (!hosts_.empty() && hosts_.back()->MayBeGivenWork()) return hosts_.back().get();
  if (!given_up_.ok()) return given_up_;
  hosts_.push_back(make_(parent_));
  ProcessHostCore* const host = hosts_.back().get();
  // One that cannot be begun has ended before Begin returns, and whoever hears of that may destroy
  // this.
  const std::shared_ptr<bool> alive = alive_;
  if (hosts_.size() == 1) Begin(*host);
  if (!*alive) return absl::UnavailableError("the service was destroyed when its process ended");
  if (!host->has_ended()) return host;
  return given_up_.ok()
             ? absl::UnavailableError(absl::StrFormat("%s: not launched: %s", row_.name, last_end_))
             : given_up_;
}

void ServiceProcessCore::Begin(ProcessHostCore& host) {
  is_begun_ = true;
  const RunsIn runs_in = IsGivenUpAsProcess() ? RunsIn::kParentThread : RunsIn::kProcess;
  host.WhenEnded([this, runs_in](const ProcessEnd& end) { OnEnd(runs_in, end); });
  host.WhenLaunched([this, &host](const absl::StatusOr<ProcessHandle>& process) {
    if (process.ok()) Tell(host.process(), absl::OkStatus());
  });
  if (runs_in == RunsIn::kProcess) return host.Launch(options_.launch);
  if (given_up_.ok()) {
    if (row_.fallback == ParentFallback::kCompositingThread && options_.fallback_program) {
      return host.RunOnThread(options_.fallback_program, options_.launch);
    }
    given_up_ = WhyGivenUp();
  }
  host.GiveUp(given_up_);
}

void ServiceProcessCore::OnEnd(RunsIn ran_in, const ProcessEnd& end) {
  const absl::Status why =
      WasAskedFor(end) ? absl::OkStatus() : absl::UnavailableError(end.ToString());
  if (!why.ok() && ran_in == RunsIn::kProcess) {
    // Whoever debugs it may end it as often as they like.
    if (!parent_.server().IsDebugged(row_.type)) ++ends_;
    last_end_ = end.ToString();
  } else if (!why.ok() && given_up_.ok()) {
    given_up_ = absl::UnavailableError(absl::StrCat(
        std::string(WhyGivenUp().message()), "; its thread of the parent: ", end.ToString()));
  }
  ended_.push_back(std::move(hosts_.front()));
  hosts_.pop_front();
  is_begun_ = false;
  if (turn_ == 0) {
    turn_ = parent_.loop().AddTimer(0, [this] {
      turn_ = 0;
      OnTurn();
    });
  }
  const std::shared_ptr<bool> alive = alive_;
  if (const auto on_end = options_.on_end) on_end(end);
  if (*alive) Tell(nullptr, why);
}

void ServiceProcessCore::OnTurn() {
  const auto ended = std::exchange(ended_, {});
  if (!hosts_.empty() && !is_begun_) Begin(*hosts_.front());
}

void ServiceProcessCore::Tell(const ProcessHandle* process, const absl::Status& why) const {
  // A copy: it may destroy this.
  if (const auto on_change = options_.on_change) on_change(process, why);
}

}  // namespace forkserver
