#include "forkserver/model/end_processes.h"

#include <signal.h>
#include <stdint.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

// How often those that a debugger has are looked at.
constexpr absl::Duration kLook = absl::Seconds(1);

enum class Stage : uint8_t { kAsked, kTerminated, kKilled };

// The processes of one turn.
class Turn {
 public:
  Turn(ParentProcess& parent, EndTurn turn, const EndOptions& options, EndReport& report)
      : parent_(parent), turn_(turn), options_(options), report_(report) {}

  void Run() {
    int64_t deadline = DeadlineIn(options_.to_goodbye);
    for (std::vector<ChildId> left = Left(); !left.empty(); left = Left()) {
      for (const ChildId id : left) Ask(id);
      if (NowNanos() >= deadline) {
        stage_ = stage_ == Stage::kAsked ? Stage::kTerminated : Stage::kKilled;
        deadline = DeadlineIn(stage_ == Stage::kTerminated ? options_.to_sigterm : kLook);
        for (const ChildId id : left) Force(id);
      }
      parent_.loop().Run(deadline);
    }
  }

 private:
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

  void Ask(ChildId id) {
    ProcessHostCore* const host = parent_.Find(id);
    if (host == nullptr || !asked_.insert(id).second) return;
    ++report_.ended;
    host->CancelLaunch();
    // Or it was only about to be launched, and is no more.
    if (ProcessHostCore* const there = parent_.Find(id)) {
      there->ShutDownWhenDelivered(absl::InfiniteDuration());
    }
  }

  void Force(ChildId id) {
    ProcessHostCore* const host = parent_.Find(id);
    // One that a debugger has ends when that lets it.
    if (host == nullptr || host->IsHeldByDebugger()) return;
    const int signal = stage_ == Stage::kTerminated ? SIGTERM : SIGKILL;
    const std::string name = host->Name();
    const auto known = std::find_if(report_.forced.begin(), report_.forced.end(),
                                    [&](const EndReport::Forced& one) { return one.name == name; });
    if (known == report_.forced.end()) {
      report_.forced.push_back({name, signal});
    } else {
      known->signal = signal;
    }
    if (signal == SIGTERM) return host->Terminate();
    host->Kill(absl::DeadlineExceededError("it did not end when it was asked to"));
  }

  ParentProcess& parent_;
  const EndTurn turn_;
  const EndOptions& options_;
  EndReport& report_;
  Stage stage_ = Stage::kAsked;
  std::set<ChildId> asked_;
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
