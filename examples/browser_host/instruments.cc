#include "examples/browser_host/instruments.h"

#include <errno.h>
#include <fcntl.h>

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/page_metrics.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/one_line.h"
#include "transceiver/write_all.h"

namespace browser_host {
namespace {

using forkserver::CrashReporter;
using forkserver::LaunchTrace;
using forkserver::Telemetry;

// "crash pid 4711: /r/...-crash.txt"; of one that is lost, what the report would have said first.
std::string ReportLine(const forkserver::CrashReport& report,
                       const absl::StatusOr<std::string>& path) {
  const std::string who =
      absl::StrFormat("%s pid %d", forkserver::DeathKindName(report.kind), report.end.who.pid);
  if (path.ok()) return absl::StrCat(who, ": ", forkserver::OneLine(*path));
  return absl::StrFormat("browser_host: %s, %s, %s: its report is lost: %s", who,
                         forkserver::ProcessTypeName(report.end.who.type),
                         forkserver::CauseText(report),
                         forkserver::OneLine(std::string(path.status().message())));
}

}  // namespace

Instruments::Instruments(const CommandLine& line, SpokenLines& lines)
    : lines_(lines), trace_path_(line.trace), telemetry_path_(line.telemetry) {
  if (!line.crash_reports.empty()) {
    reporter_ = std::make_unique<CrashReporter>(forkserver::CrashReporterOptions{
        .folder = {.path = line.crash_reports},
        // On the reporter's thread.
        .on_report = [this](const forkserver::CrashReport& report,
                            const absl::StatusOr<std::string>& path) {
          if (path.ok()) report_ids_.Add(report.end.who.pid, report.id);
          lines_.Say(ReportLine(report, path));
        }});
  }
  if (!trace_path_.empty()) trace_ = std::make_shared<LaunchTrace>("browser_host");
  if (!telemetry_path_.empty()) {
    forkserver::TelemetryOptions options = {.metrics = PageMetrics()};
    if (reporter_ != nullptr) options.reports = reporter_->counter();
    telemetry_ = std::make_unique<Telemetry>(std::move(options));
  }
}

void Instruments::AddTo(forkserver::StartOptions& options) const {
  if (reporter_ != nullptr) options.flight_recorder.on_end = reporter_->on_end();
  if (trace_ != nullptr) options.observer = trace_;
  if (telemetry_ != nullptr) telemetry_->AddTo(options);
}

absl::Status Instruments::Open() {
  if (reporter_ != nullptr) {
    if (absl::Status good = reporter_->Prepare(); !good.ok()) {
      return absl::Status(good.code(), absl::StrCat("crash reports: ", good.message()));
    }
  }
  if (trace_ != nullptr) {
    if (absl::Status opened = trace_->Open(trace_path_); !opened.ok()) {
      return absl::Status(opened.code(), absl::StrCat("trace: ", opened.message()));
    }
    trace_is_open_ = true;
  }
  if (telemetry_ == nullptr) return absl::OkStatus();
  telemetry_file_.reset(
      open(telemetry_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (telemetry_file_.is_open()) return absl::OkStatus();
  return forkserver::ErrnoStatus(errno, absl::StrCat("telemetry: open ", telemetry_path_));
}

absl::Status Instruments::Watch(forkserver::EventLoop& loop) {
  return reporter_ != nullptr ? report_ids_.Watch(loop) : absl::OkStatus();
}

void Instruments::WhenReported(pid_t pid, std::function<void(const std::string& report)> callback) {
  if (reporter_ == nullptr) return callback("");
  report_ids_.WhenKnown(pid, forkserver::NowNanos() + forkserver::kNanosPerSecond,
                        std::move(callback));
}

absl::Status Instruments::Close(forkserver::ForkServer& server) {
  if (reporter_ == nullptr && trace_ == nullptr && telemetry_ == nullptr) return absl::OkStatus();
  // With what its templates do at the end.
  server.End();
  absl::Status status = trace_ != nullptr ? trace_->Close() : absl::OkStatus();
  if (trace_is_open_ && status.ok()) lines_.Say(WroteLine(trace_path_));
  if (reporter_ != nullptr) status.Update(EndReports());
  // It has the reports' counts.
  if (telemetry_ != nullptr) status.Update(WriteTelemetry());
  return status;
}

absl::Status Instruments::EndReports() {
  if (absl::Status flushed = reporter_->Flush(); !flushed.ok()) return flushed;
  const CrashReporter::Counts counts = reporter_->counts();
  if (counts.failed + counts.dropped == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat("crash reports: %d of %d are lost",
                                             counts.failed + counts.dropped,
                                             counts.written + counts.failed + counts.dropped));
}

absl::Status Instruments::WriteTelemetry() {
  // Not opened where the start has failed.
  if (!telemetry_file_.is_open()) return absl::OkStatus();
  const int error = forkserver::WriteAll(telemetry_file_.get(), ToJson(telemetry_->Collect()));
  telemetry_file_.reset();
  if (error != 0) {
    return forkserver::ErrnoStatus(error, absl::StrCat("telemetry: write ", telemetry_path_));
  }
  lines_.Say(WroteLine(telemetry_path_));
  return absl::OkStatus();
}

}  // namespace browser_host
