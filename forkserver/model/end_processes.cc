#include "forkserver/model/end_processes.h"

#include <signal.h>
#include <stdint.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

enum class Stage : uint8_t { kAsked, kTerminated, kKilled };

// The processes of one turn.
class Turn {
 public:
  Turn(ParentProcess& parent, EndTurn turn, const EndOptions& options, EndReport& report)
      : parent_(parent), turn_(turn), options_(options), report_(report) {}

  void Run() {
    for (std::vector<ChildId> left = Left(); !left.empty(); left = Left()) {
      int64_t next = kNever;
      for (const ChildId id : left) next = std::min(next, LookAt(id));
      parent_.loop().Run(next);
    }
  }

 private:
  struct Progress {
    Stage stage = Stage::kAsked;
    int64_t deadline = kNever;  // of the stage; of one that a debugger has, the next look
    bool was_held = false;      // by a debugger, when that was over
  };

  static int64_t DeadlineIn(absl::Duration time) {
    return DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(time));
  }

  // By their numbers: whoever hears of one's end may destroy others.
  std::vector<ChildId> Left() const {
    std::vector<ChildId> left;
    for (const ProcessHostCore* host : parent_.processes()) {
      if (FindProcessType(host->type())->ends == turn_) left.push_back(host->id());
    }
    return left;
  }

  // When it is to be looked at again.
  int64_t LookAt(ChildId id) {
    const auto [found, is_new] = progress_.try_emplace(id);
    Progress& progress = found->second;
    if (is_new) {
      Ask(id);
      progress.deadline = TimeOf(progress.stage);
    } else if (NowNanos() >= progress.deadline) {
      progress.deadline = OnDeadline(id, progress);
    }
    return progress.deadline;
  }

  void Ask(ChildId id) {
    ProcessHostCore* const host = parent_.Find(id);
    if (host == nullptr) return;
    ++report_.ended;
    host->CancelLaunch();
    // Or it was only about to be launched, and is no more.
    if (ProcessHostCore* const there = parent_.Find(id)) {
      there->ShutDownWhenDelivered(absl::InfiniteDuration());
    }
  }

  int64_t OnDeadline(ChildId id, Progress& progress) {
    ProcessHostCore* const host = parent_.Find(id);
    if (host == nullptr) return kNever;
    if (host->WaitsForDebugger()) {
      progress.was_held = true;
      return DeadlineIn(ProcessHostCore::kDebuggerLook);
    }
    if (std::exchange(progress.was_held, false)) return TimeOf(progress.stage);
    progress.stage = progress.stage == Stage::kAsked ? Stage::kTerminated : Stage::kKilled;
    Force(*host, progress.stage == Stage::kTerminated ? SIGTERM : SIGKILL);
    return TimeOf(progress.stage);
  }

  // From now.
  int64_t TimeOf(Stage stage) const {
    switch (stage) {
      case Stage::kAsked:
        return DeadlineIn(options_.to_goodbye);
      case Stage::kTerminated:
        return DeadlineIn(options_.to_sigterm);
      case Stage::kKilled:
        return kNever;
    }
    return kNever;
  }

  void Force(ProcessHostCore& host, int signal) {
    const std::string name = host.Name();
    const auto known = std::find_if(report_.forced.begin(), report_.forced.end(),
                                    [&](const EndReport::Forced& one) { return one.name == name; });
    if (known == report_.forced.end()) {
      report_.forced.push_back({name, signal});
    } else {
      known->signal = signal;
    }
    if (signal == SIGTERM) return host.Terminate();
    host.Kill(absl::DeadlineExceededError("it did not end when it was asked to"));
  }

  ParentProcess& parent_;
  const EndTurn turn_;
  const EndOptions& options_;
  EndReport& report_;
  std::map<ChildId, Progress> progress_;
};

}  // namespace

std::string EndReport::ToString() const {
  std::string text = absl::StrFormat("%d processes ended in %s", ended, absl::FormatDuration(took));
  for (size_t i = 0; i < forced.size(); ++i) {
    absl::StrAppendFormat(&text, "%s%s by %s", i == 0 ? "; forced: " : ", ", forced[i].name,
                          forced[i].signal == SIGTERM ? "SIGTERM" : "SIGKILL");
  }
  return absl::StrCat(text, "; ", server.ToString());
}

EndReport EndProcesses(ParentProcess& parent, EndOptions options) {
  const int64_t begin = NowNanos();
  EndReport report;
  parent.RefuseLaunches();
  for (const TemplateStatus& status : parent.server().templates()) {
    if (status.state == TemplateStatus::State::kServing) {
      parent.server().SetPool(status.name, kNoPool).IgnoreError();
    }
  }
  for (const EndTurn turn : {EndTurn::kFirst, EndTurn::kSecond, EndTurn::kLast}) {
    Turn(parent, turn, options, report).Run();
  }
  report.took = absl::Nanoseconds(NowNanos() - begin);
  report.server = parent.server().End(options.server);
  return report;
}

}  // namespace forkserver
