// The launch benchmark: every row beside its baseline, interleaved, in one run.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "bench/actor_rows.h"
#include "bench/arguments.h"
#include "bench/bench_program.h"
#include "bench/child_memory.h"
#include "bench/crash_rows.h"
#include "bench/groups.h"
#include "bench/growth.h"
#include "bench/launch_rows.h"
#include "bench/paint_rows.h"
#include "bench/phases.h"
#include "bench/plot_data.h"
#include "bench/pool_view.h"
#include "bench/python_row.h"
#include "bench/report.h"
#include "bench/row.h"
#include "bench/sampled_rows.h"
#include "bench/sampler_modes.h"
#include "bench/sandbox_rows.h"
#include "bench/start_rows.h"
#include "bench/syscalls.h"
#include "bench/trace_rows.h"
#include "forkserver/host/fork_server.h"
#include "transceiver/errno_status.h"

namespace bench {
namespace {

using forkserver::ForkServer;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kPhaseRounds = 3'000;
constexpr int kTracedLaunches = 200;

int Complain(const absl::Status& status, int exit_code) {
  absl::FPrintF(stderr, "launch_bench: %s\n", std::string(status.message()));
  return exit_code;
}

// Known before minutes of measuring rather than after.
absl::Status CheckWritable(const std::string& path) {
  if (path.empty() || access(path.c_str(), F_OK) == 0) return absl::OkStatus();
  const forkserver::UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  return fd.is_open() ? absl::OkStatus() : forkserver::ErrnoStatus(errno, "open " + path);
}

// What the rows of this process share.
struct OwnRows {
  std::unique_ptr<LaunchRows> launches;
  std::unique_ptr<SandboxRows> sandbox;
  std::unique_ptr<ActorRows> actors;
};

std::vector<Row> AllRows(OwnRows& own) {
  std::vector<Row> rows = own.launches->Rows();
  rows.push_back(PythonForkserverRow());
  for (const std::vector<Row>& more :
       {own.sandbox->Rows(), own.actors->Rows(), NavigationRows(), TelemetryRows(), StartRows(),
        HeapRows(), TraceRows(), CrashRows(), PaintRows(), RateRows(),
        own.launches->MemoryRows()}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

Run MeasureShowingProgress(const std::vector<Row>& rows, const Extent& extent) {
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  Run run = MeasureGroups(rows, extent, [&](const std::string& first_row, int done, int total) {
    if (!is_terminal) return;
    absl::FPrintF(stderr, "\r%s and others: round %d of at most %d\033[K", first_row, done, total);
    fflush(stderr);
  });
  if (is_terminal) absl::FPrintF(stderr, "\n");
  return run;
}

int MeasureRows(const Arguments& arguments, OwnRows& own) {
  const absl::StatusOr<std::vector<Row>> rows = SelectRows(AllRows(own), arguments.filter);
  if (!rows.ok()) return Complain(rows.status(), kExitUsage);
  if (absl::Status writable = CheckWritable(arguments.json); !writable.ok()) {
    return Complain(writable, kExitFailed);
  }
  const Run run = MeasureShowingProgress(*rows, arguments.extent);
  PrintTable(run);
  if (!arguments.json.empty()) {
    if (absl::Status written = WriteJson(run, arguments.json); !written.ok()) {
      return Complain(written, kExitFailed);
    }
  }
  return run.failure.ok() ? 0 : Complain(run.failure, kExitFailed);
}

int Plot(const Arguments& arguments, OwnRows& own) {
  if (absl::Status prepared = PreparePlotFolder(arguments.plot_folder); !prepared.ok()) {
    return Complain(prepared, kExitFailed);
  }
  const absl::StatusOr<std::vector<Row>> rows = SelectRows(AllRows(own), kPlottedRows);
  if (!rows.ok()) return Complain(rows.status(), kExitFailed);
  const Run run = MeasureShowingProgress(*rows, arguments.extent);
  PrintTable(run);
  absl::Status failure = run.failure;
  std::vector<GrowthPoint> growth;
  for (const Mebibytes heap : GrowthSizes(arguments.largest)) {
    absl::StatusOr<GrowthPoint> point = MeasureGrowth(heap, arguments.extent);
    if (!point.ok()) {
      absl::PrintF("\n%d MiB: left out: %s\n", heap.count, std::string(point.status().message()));
      // Unavailable: there is not so much memory here.
      if (!absl::IsUnavailable(point.status())) failure.Update(point.status());
      break;
    }
    absl::PrintF("%s%4d MiB: fork %.1f us, launch %.1f us\n", growth.empty() ? "\n" : "",
                 heap.count, point->fork.p50, point->launch.p50);
    fflush(stdout);
    growth.push_back(*std::move(point));
  }
  failure.Update(WritePlotData(run, growth, arguments.plot_folder));
  return failure.ok() ? 0 : Complain(failure, kExitFailed);
}

int CountCalls(ForkServer& server, const LaunchRows& launch_rows) {
  if (absl::Status printed = PrintSyscalls(kTracedLaunches); !printed.ok()) {
    return Complain(printed, kExitFailed);
  }
  const absl::StatusOr<int> of_template = CountMappings(server.root_pid().value_or(0));
  const absl::StatusOr<int> of_child = CountMappings(launch_rows.ready_child());
  if (!of_template.ok()) return Complain(of_template.status(), kExitFailed);
  if (!of_child.ok()) return Complain(of_child.status(), kExitFailed);
  absl::PrintF("%-18s %9s %9d %9d\n", "mappings", "", *of_template, *of_child);
  return 0;
}

absl::Status PrintAllPhases(ForkServer& server, forkserver::LaunchOptions options) {
  absl::Status printed =
      PrintPhases("by a fork", server, options, kPhaseRounds, [] { return absl::OkStatus(); });
  if (!printed.ok()) return printed;
  absl::PrintF("\n");
  forkserver::LaunchOptions sandboxed = options;
  sandboxed.template_name = std::string(kSandboxedTemplate);
  printed = PrintPhases("by a fork of a sandboxed template", server, sandboxed, kPhaseRounds,
                        [] { return absl::OkStatus(); });
  if (!printed.ok()) return printed;
  absl::PrintF("\n");
  options.way = forkserver::LaunchWay::kTemplate;
  return PrintPhases("from a filled pool", server, options, kPhaseRounds, [&] {
    return AwaitBlank(server, IdleBlanksOf(server, forkserver::kRootTemplate)).status();
  });
}

int Main(int argc, char** argv) {
  auto server = ForkServer::Start(argc, argv,
                                  {.programs = BenchPrograms(), .templates = SandboxedTemplates()});
  if (!server.ok()) return Complain(server.status(), kExitFailed);
  const absl::StatusOr<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments.ok()) return Complain(arguments.status(), kExitUsage);
  if (arguments->task == Arguments::Task::kHelp) {
    absl::PrintF("%s", kHelp);
    return 0;
  }
  if (auto hello = (*server)->WaitUntilServing(); !hello.ok()) {
    return Complain(hello.status(), kExitFailed);
  }
  auto launch_rows = LaunchRows::Create(**server);
  if (!launch_rows.ok()) return Complain(launch_rows.status(), kExitFailed);
  const RealisticPlan& plan = (*launch_rows)->plan();
  OwnRows own = {.launches = *std::move(launch_rows),
                 .sandbox = std::make_unique<SandboxRows>(**server, plan),
                 .actors = std::make_unique<ActorRows>(**server, plan)};
  switch (arguments->task) {
    case Arguments::Task::kPhases: {
      const absl::Status printed = PrintAllPhases(**server, plan.Exit());
      return printed.ok() ? 0 : Complain(printed, kExitFailed);
    }
    case Arguments::Task::kPlot:
      return Plot(*arguments, own);
    case Arguments::Task::kSyscalls:
      return CountCalls(**server, *own.launches);
    default:
      return MeasureRows(*arguments, own);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (const std::optional<int> status = bench::RunIfStartedHost(argc, argv)) return *status;
  if (const std::optional<int> status = bench::RunIfSampler(argc, argv)) return *status;
  const int status = bench::Main(argc, argv);
  if (fflush(stdout) != 0) {
    return bench::Complain(forkserver::ErrnoStatus(errno, "write to stdout"), bench::kExitFailed);
  }
  return status;
}
