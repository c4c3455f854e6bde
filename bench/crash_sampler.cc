// A sampler (bench/sampler.h) of crash reports. Its request is "report": a child of the content
// policy, in a sandbox of all layers, writes where nothing is mapped; from the first instruction of
// its crash handler to its report's two files, which are complete then, in milliseconds.
#include <unistd.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "bench/sampler.h"
#include "child/child_program.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/report/crash_reporter.h"
#include "transceiver/clock.h"

namespace bench {
namespace {

using forkserver::CrashReport;
using forkserver::CrashReporter;
using forkserver::ForkServer;

constexpr size_t kMostReports = 20;

class Crasher : public forkserver::ChildProgram {
 public:
  int Run(forkserver::ChildContext& context) override {
    context.annotations.Set("url", "https://a.test/");
    volatile int* volatile const nowhere = nullptr;
    *nowhere = 1;
    return 1;
  }
};

int Sample(int argc, char** argv) {
  std::promise<absl::StatusOr<double>> written;
  const auto on_report = [&](const CrashReport& report, const absl::StatusOr<std::string>& path) {
    if (!path.ok()) return written.set_value(path.status());
    if (!report.record.crash) return written.set_value(absl::InternalError("it did not crash"));
    const int64_t nanos = forkserver::NowNanos() - report.record.crash->at;
    written.set_value(static_cast<double>(nanos) / forkserver::kNanosPerMilli);
  };
  const std::string path = "/tmp/launch_bench.crash." + std::to_string(getpid());
  CrashReporter reporter(
      {.folder = {.path = path, .most_reports = kMostReports}, .on_report = on_report});
  auto server = ForkServer::Start(
      argc, argv,
      {.programs = {{forkserver::ProcessType::kContent, forkserver::MakeChildProgram<Crasher>}},
       .templates = {{.name = "content",
                      .types = {forkserver::ProcessType::kContent},
                      .sandbox = {.policy = forkserver::SandboxPolicyId::kContent}}},
       .flight_recorder = {.on_end = reporter.on_end()}});
  if (!server.ok()) {
    RefuseRequests(server.status());
    return 1;
  }
  if (auto hello = (*server)->WaitUntilServing("content"); !hello.ok()) {
    RefuseRequests(hello.status());
    return 1;
  }
  AnswerRequests([&](const std::string& request) -> absl::StatusOr<double> {
    if (request != "report") return absl::InvalidArgumentError("no such request: " + request);
    written = {};
    std::future<absl::StatusOr<double>> report = written.get_future();
    auto child = (*server)->Launch({.type = forkserver::ProcessType::kContent, .argv = {"crash"}});
    if (!child.ok()) return child.status();
    if (auto status = child->process.Wait(absl::Seconds(10)); !status.ok()) return status.status();
    if (report.wait_for(std::chrono::seconds(10)) != std::future_status::ready) {
      return absl::DeadlineExceededError("no report within 10 s");
    }
    return report.get();
  });
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Sample(argc, argv); }
