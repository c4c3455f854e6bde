// What a host's launches do, as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing open:
// host, templates and children below each other, on one clock. docs/traces.md shows one.
//
//     auto trace = std::make_shared<LaunchTrace>("browser");
//     auto server = ForkServer::Start(argc, argv, {..., .observer = trace});
//     if (absl::Status opened = trace->Open("trace.json"); !opened.ok()) ...
//     ...
//     absl::Status whole = trace->Close();      // says what was lost, where the disk was full
//
// A process is shown by its pid, as the host knows it. In the host's there are rows of launches and
// of starts of templates, as many as ever were under way at once: what overlaps is not on one row.
// An event is in the file when the launch that it is of has ended, so that a host that is killed
// leaves all of them: a launch or a process that had not ended then has a beginning and no end. A
// pid that the kernel gives a second time is one row with two lives.
//
// Whatever fails in writing costs the trace and no launch (trace_file.h).
// Costs a launch three writes to the file: what is under way, what it was, and how its process
// ended. Memory: what is under way, and the templates that run. Threads: any.
#ifndef FORKSERVER_REPORT_LAUNCH_TRACE_H_
#define FORKSERVER_REPORT_LAUNCH_TRACE_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "forkserver/host/launch_observer.h"
#include "forkserver/report/lanes.h"
#include "forkserver/report/trace_events.h"
#include "forkserver/report/trace_file.h"

namespace forkserver {

class LaunchTrace : public LaunchObserver {
 public:
  // `host_name`: what the host's process is called in it.
  explicit LaunchTrace(std::string_view host_name);

  // As TraceFile has them.
  absl::Status Open(const std::string& path);
  absl::Status Close();

 private:
  // What began on a row of the host's and has not ended.
  struct UnderWay {
    size_t lane;
    int64_t begun_at;
  };

  void OnLaunchBegun(const LaunchBegun& launch) override;
  void OnLaunchReady(const LaunchReady& launch) override;
  void OnLaunchFailed(const LaunchFailed& launch) override;
  void OnProcessEnded(const ProcessEnded& process) override;
  void OnTemplateEvent(const TemplateEvent& event) override;

  // A row of the host's for something that begins.
  UnderWay BeginOnLane(TraceEvents& events, std::string_view name, int64_t at,
                       TraceEvents::Args args);
  void EndOnLane(TraceEvents& events, const UnderWay& under_way, int64_t at,
                 TraceEvents::Args args);
  // Of the host's own process.
  TraceRow RowOf(size_t lane) const;

  void ShowStart(TraceEvents& events, const TemplateEvent& event, const UnderWay& start);
  void EndStart(TraceEvents& events, const TemplateEvent& event);
  void Write(const TraceEvents& events);

  const std::string host_name_;
  std::mutex mutex_;
  pid_t host_ = 0;
  TraceFile file_;
  Lanes lanes_;
  size_t named_lanes_ = 0;
  absl::flat_hash_map<uint64_t, UnderWay> launches_;
  absl::flat_hash_map<std::pair<std::string, int>, UnderWay> starts_;  // by name and layout
  absl::flat_hash_set<pid_t> serving_;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_LAUNCH_TRACE_H_
