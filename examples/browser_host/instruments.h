// What a user has asked to see of the host's processes: crash reports, a trace of launches,
// telemetry.
//
//     Instruments instruments(line, lines);
//     instruments.AddTo(options);
//     auto server = ForkServer::Start(argc, argv, std::move(options));
//     absl::Status opened = instruments.Open();          // before anything is launched
//     ...
//     absl::Status written = instruments.Close(**server);
//
// Must outlive the server; `lines` are borrowed, and must outlive this. Threads: the host's.
#ifndef EXAMPLES_BROWSER_HOST_INSTRUMENTS_H_
#define EXAMPLES_BROWSER_HOST_INSTRUMENTS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "examples/browser_host/command_line.h"
#include "examples/browser_host/report_ids.h"
#include "examples/browser_host/spoken_lines.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/report/crash_reporter.h"
#include "forkserver/report/launch_trace.h"
#include "forkserver/report/telemetry.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

class Instruments {
 public:
  // Reads the command line only; it may be one of a process that never opens them.
  Instruments(const CommandLine& line, SpokenLines& lines);

  void AddTo(forkserver::StartOptions& options) const;

  // The files, so that nothing is launched where one of them cannot be. One line, which names it.
  absl::Status Open();

  // Calls back once, in the loop's time or at once: with the id of the crash report of a process
  // that has just ended; with none where there is none, or none within a second.
  void WhenReported(pid_t pid, std::function<void(const std::string& report)> callback);
  // The loop of the above, for as long as that is called.
  absl::Status Watch(forkserver::EventLoop& loop);
  void Unwatch() { report_ids_.Unwatch(); }

  // Ends the server where something is to be written of its end, and writes that, with a line for
  // each file. The first error, of which a crash report that could not be written is one.
  absl::Status Close(forkserver::ForkServer& server);

 private:
  absl::Status EndReports();
  absl::Status WriteTelemetry();

  SpokenLines& lines_;
  ReportIds report_ids_;
  std::unique_ptr<forkserver::CrashReporter> reporter_;  // tells what is above
  const std::string trace_path_;
  std::shared_ptr<forkserver::LaunchTrace> trace_;
  bool trace_is_open_ = false;
  const std::string telemetry_path_;
  std::unique_ptr<forkserver::Telemetry> telemetry_;
  forkserver::UniqueFd telemetry_file_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_INSTRUMENTS_H_
