// Writes a report of each process of a host that crashes, is killed by somebody else, or is ended
// for being late: a child, a template, the seed, a blank of a pool.
//
//     int main(int argc, char** argv) {
//       CrashReporter reporter({.folder = {.path = "/var/lib/host/reports"}});
//       auto server = ForkServer::Start(
//           argc, argv, {.programs = ..., .flight_recorder = {.on_end = reporter.on_end()}});
//
// It may be made before Start: it opens nothing and has no thread until there is something to
// report. From then on it has one, with all signals blocked, which unwinds stacks and writes files,
// so that whoever reaps a process does not wait for that. At most kMostWaiting ends wait for it;
// what is more is dropped and counted.
//
// What goes into a report and what it cannot know: docs/crash-reports.md.
//
// Ownership: ends that come after the reporter is destroyed are dropped. Threads: any. Destroying
// it waits for the reports of what has ended before.
#ifndef FORKSERVER_REPORT_CRASH_REPORTER_H_
#define FORKSERVER_REPORT_CRASH_REPORTER_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/report/crash_report.h"
#include "forkserver/report/report_counts.h"
#include "forkserver/report/report_folder.h"

namespace forkserver {

struct CrashReporterOptions {
  ReportFolderOptions folder = {};
  // Told of each report once it is written, on the reporter's thread: the path of its text; or why
  // it could not be written.
  std::function<void(const CrashReport& report, const absl::StatusOr<std::string>& path)>
      on_report = {};
};

class CrashReporter {
 public:
  static constexpr size_t kMostWaiting = 64;

  explicit CrashReporter(CrashReporterOptions options);
  CrashReporter(const CrashReporter&) = delete;
  CrashReporter& operator=(const CrashReporter&) = delete;
  ~CrashReporter();

  // Whether reports can be written: makes the folder and tries, as ReportFolder does. For a program
  // that wants to say so at its start.
  absl::Status Prepare() const;

  // For FlightRecorderOptions. Takes a few microseconds.
  std::function<void(FlightEnd end)> on_end() const;

  // Waits for the reports of all that has ended so far. DeadlineExceeded.
  absl::Status Flush(absl::Duration timeout = absl::Seconds(10));

  // Since the start.
  using Counts = ReportCounts;
  Counts counts() const;

  // For a Telemetry: the same by type, as long as the function lives.
  std::function<ReportCountsByType()> counter() const;

 private:
  class Queue;
  const std::shared_ptr<Queue> queue_;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_CRASH_REPORTER_H_
