#include "tests/faults/records_scenario.h"

#include <signal.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "forkserver/report/crash_reporter.h"
#include "tests/faults/scenario_folder.h"
#include "tests/faults/scenario_hosts.h"

namespace forkserver::testing {
namespace {

// What is known of a death.
absl::Status WhatIsKnown(const CrashReport& report) {
  const auto& frames = report.trace.frames;
  const bool has_function = std::any_of(frames.begin(), frames.end(), [](const StackFrame& frame) {
    return absl::StrContains(frame.function, "VictimProgram::Run");
  });
  if (has_function) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("no stack: ", report.why_no_record,
                                          report.record.why_unwatched, report.trace.why_it_ends,
                                          absl::StrJoin(report.trace.missing, "; ")));
}

class Reports {
 public:
  Reports()
      : reporter_({.folder = {.path = Folder() + "/reports", .most_reports = 1},
                   .on_report = [this](const CrashReport& report,
                                       const absl::StatusOr<std::string>& path) {
                     const std::lock_guard<std::mutex> lock(mutex_);
                     known_[report.end.who.pid] = path.ok() ? WhatIsKnown(report) : path.status();
                   }}) {}

  CrashReporter& reporter() { return reporter_; }

  absl::Status KnownOf(pid_t pid) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto found = known_.find(pid); found != known_.end()) return found->second;
    return absl::InternalError(reporter_.counts().dropped > 0 ? "a report is dropped"
                                                              : "a crash is not reported");
  }

 private:
  std::mutex mutex_;
  std::map<pid_t, absl::Status> known_;
  CrashReporter reporter_;
};

// The server's, and gone with it.
std::weak_ptr<Reports> reports_of_this_round;

}  // namespace

StartOptions OptionsWithRecords() {
  const auto reports = std::make_shared<Reports>();
  reports_of_this_round = reports;
  StartOptions options = Options();
  options.flight_recorder.on_end = [reports, add = reports->reporter().on_end()](FlightEnd end) {
    add(std::move(end));
  };
  return options;
}

void CrashAndReport(ForkServer& server, Round& round, absl::Duration patience) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"fault"}, .timeout = patience});
  if (!round.Note("launch", child.status())) return;
  const pid_t pid = child->process.pid();
  const absl::StatusOr<ExitStatus> end = child->process.Wait(patience);
  if (!round.Note("its end", end.status())) return;
  if (end->kind != ExitStatus::Kind::kKilled || end->code != SIGSEGV) {
    round.Note("its crash", absl::InternalError("the child " + end->ToString()));
  }
  const std::shared_ptr<Reports> reports = reports_of_this_round.lock();
  round.Note("flush", reports->reporter().Flush(patience));
  round.Note("the report", reports->KnownOf(pid));
}

}  // namespace forkserver::testing
