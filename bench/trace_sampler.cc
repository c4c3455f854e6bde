// A sampler (bench/sampler.h) of launches, whose host has an observer or none:
//
//     trace_sampler            none
//     trace_sampler --trace    a LaunchTrace, into a file of /tmp that has no name any more
//     trace_sampler --records  none, but flight records of all processes
//
// Its request is "ready": a launch, to Ready. It is built twice: as everything is, and with
// --//forkserver/host:observes_launches=false, in a program that has nothing of tracing.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "bench/bench_program.h"
#include "bench/launch_once.h"
#include "bench/sampler.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/report/launch_trace.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace bench {
namespace {

using forkserver::ForkServer;
using forkserver::LaunchTrace;

absl::Status OpenUnnamed(LaunchTrace& trace) {
  char path[] = "/tmp/launch_bench.trace.XXXXXX";
  const forkserver::UniqueFd made(mkostemp(path, O_CLOEXEC));
  if (!made.is_open()) return forkserver::ErrnoStatus(errno, "mkostemp");
  const absl::Status opened = trace.Open(path);
  unlink(path);
  return opened;
}

int Sample(int argc, char** argv) {
  const bool is_traced = argc > 1 && strcmp(argv[1], "--trace") == 0;
  const bool is_recorded = argc > 1 && strcmp(argv[1], "--records") == 0;
  forkserver::StartOptions options = {.programs = BenchPrograms()};
  const auto trace = is_traced ? std::make_shared<LaunchTrace>("trace_sampler") : nullptr;
  options.observer = trace;
  // What a crash reporter would do with an end that is no crash.
  if (is_recorded) options.flight_recorder.on_end = [](forkserver::FlightEnd) {};
  auto server = ForkServer::Start(argc, argv, std::move(options));
  const auto refuse = [](const absl::Status& why) {
    RefuseRequests(why);
    return 1;
  };
  if (!server.ok()) return refuse(server.status());
  if (is_traced) {
    if (absl::Status opened = OpenUnnamed(*trace); !opened.ok()) return refuse(opened);
  }
  if (auto hello = (*server)->WaitUntilServing(); !hello.ok()) return refuse(hello.status());
  absl::StatusOr<RealisticPlan> plan = RealisticPlan::Create();
  if (!plan.ok()) return refuse(plan.status());
  AnswerRequests([&](const std::string& request) -> absl::StatusOr<double> {
    if (request != "ready") return absl::InvalidArgumentError("no such request: " + request);
    // The second is the sample: while others took theirs, this one's processes slept.
    if (absl::StatusOr<double> first = LaunchReady(**server, plan->Exit()); !first.ok()) {
      return first;
    }
    return LaunchReady(**server, plan->Exit());
  });
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Sample(argc, argv); }
