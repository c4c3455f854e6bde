#include "forkserver/report/crash_reporter.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "forkserver/host/start_thread.h"

namespace forkserver {

// What the reporter shares with whoever reaps, and its thread.
class CrashReporter::Queue {
 public:
  explicit Queue(CrashReporterOptions options)
      : options_(std::move(options)), folder_(options_.folder), tracer_("/proc/self/exe") {}

  // The folder's options are all that is read: beside the thread.
  absl::Status Prepare() const { return folder_.Prepare(); }

  void Add(FlightEnd end) {
    if (end.status.kind != ExitStatus::Kind::kKilled && end.missed_deadline.empty()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_closed_) return;
    if (waiting_.size() >= kMostWaiting || !HasThread()) {
      ++counts_[end.who.type].dropped;
      return;
    }
    waiting_.push_back(std::move(end));
    ++added_;
    changed_.notify_all();
  }

  absl::Status Flush(absl::Duration timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    const uint64_t wanted = added_;
    const bool done = changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                                        [&] { return done_ >= wanted; });
    return done ? absl::OkStatus()
                : absl::DeadlineExceededError("crash reports: not all are written");
  }

  void Close() {
    std::unique_lock<std::mutex> lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
    std::thread thread = std::move(thread_);
    lock.unlock();
    if (thread.joinable()) thread.join();
  }

  ReportCountsByType counts() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return counts_;
  }

 private:
  bool HasThread() {
    if (thread_.joinable()) return true;
    return StartThread(
        [this] {
          pthread_setname_np(pthread_self(), "crash-reporter");
          Run();
        },
        thread_);
  }

  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return is_closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      FlightEnd end = std::move(waiting_.front());
      waiting_.pop_front();
      const ProcessType type = end.who.type;
      lock.unlock();
      const absl::StatusOr<bool> written = Report(std::move(end));
      lock.lock();
      // Many that crash do so for one reason; a host at rest has none of their files open.
      if (waiting_.empty()) tracer_.Forget();
      if (!written.ok()) ++counts_[type].failed;
      if (written.ok() && *written) ++counts_[type].written;
      ++done_;
      changed_.notify_all();
    }
  }

  // False: it was no death to report.
  absl::StatusOr<bool> Report(FlightEnd end) {
    CrashReport report = MakeCrashReport(std::move(end), tracer_);
    if (report.kind == DeathKind::kNoReport) return false;
    const absl::StatusOr<std::string> path = folder_.Write(report);
    if (options_.on_report) options_.on_report(report, path);
    if (!path.ok()) return path.status();
    return true;
  }

  const CrashReporterOptions options_;
  ReportFolder folder_;  // the thread's
  StackTracer tracer_;   // the thread's
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FlightEnd> waiting_;
  uint64_t added_ = 0;
  uint64_t done_ = 0;
  ReportCountsByType counts_;
  std::thread thread_;
  bool is_closed_ = false;
};

CrashReporter::CrashReporter(CrashReporterOptions options)
    : queue_(std::make_shared<Queue>(std::move(options))) {}

CrashReporter::~CrashReporter() { queue_->Close(); }

std::function<void(FlightEnd end)> CrashReporter::on_end() const {
  return [queue = queue_](FlightEnd end) { queue->Add(std::move(end)); };
}

absl::Status CrashReporter::Prepare() const { return queue_->Prepare(); }

absl::Status CrashReporter::Flush(absl::Duration timeout) { return queue_->Flush(timeout); }

CrashReporter::Counts CrashReporter::counts() const {
  Counts all;
  for (const auto& [type, counts] : queue_->counts()) {
    all.written += counts.written;
    all.failed += counts.failed;
    all.dropped += counts.dropped;
  }
  return all;
}

std::function<ReportCountsByType()> CrashReporter::counter() const {
  return [queue = queue_] { return queue->counts(); };
}

}  // namespace forkserver
