// The launch benchmark: every row beside its baseline, interleaved, in one run.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "bench/launch_rows.h"
#include "bench/measure.h"
#include "bench/phases.h"
#include "bench/report.h"
#include "bench/row.h"
#include "forkserver/host/fork_server.h"
#include "transceiver/errno_status.h"

namespace bench {
namespace {

using forkserver::ForkServer;
using forkserver::ProcessType;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kPhaseRounds = 3'000;
constexpr Budget kFull = {
    .warm_up_rounds = 50, .max_rounds = 10'000, .max_time = absl::Seconds(120)};
constexpr Budget kQuick = {
    .warm_up_rounds = 20, .max_rounds = 2'000, .max_time = absl::Seconds(20)};

constexpr char kHelp[] =
    "usage: bench [--quick] [--filter RE] [--json FILE] | --phases\n"
    "\n"
    "  --quick      fewer rounds: under a minute\n"
    "  --filter RE  only rows whose name matches, with their baselines\n"
    "  --json FILE  write the results there too\n"
    "  --phases     where the time of a launch goes, step by step\n"
    "\n"
    "tools/bench --parts [FLAGS] measures frame, Plan and prefs alone, with Google Benchmark.\n";

int Complain(std::string_view what, int exit_code) {
  absl::FPrintF(stderr, "launch_bench: %s\n", what);
  return exit_code;
}

int Complain(const absl::Status& status, int exit_code) {
  return Complain(std::string(status.message()), exit_code);
}

int Main(int argc, char** argv) {
  auto server = ForkServer::Start(
      argc, argv,
      {.programs = {{ProcessType::kUtility, forkserver::MakeChildProgram<BenchProgram>}}});
  if (!server.ok()) return Complain(server.status(), kExitFailed);

  enum Option : int { kOptionQuick = 1000, kOptionFilter, kOptionJson, kOptionPhases, kOptionHelp };
  constexpr option kOptions[] = {{"quick", no_argument, nullptr, kOptionQuick},
                                 {"filter", required_argument, nullptr, kOptionFilter},
                                 {"json", required_argument, nullptr, kOptionJson},
                                 {"phases", no_argument, nullptr, kOptionPhases},
                                 {"help", no_argument, nullptr, kOptionHelp},
                                 {nullptr, 0, nullptr, 0}};
  Budget budget = kFull;
  std::string filter;
  std::string json;
  bool phases = false;
  opterr = 0;
  for (int choice; (choice = getopt_long(argc, argv, "+:", kOptions, nullptr)) != -1;) {
    switch (choice) {
      case kOptionQuick:
        budget = kQuick;
        break;
      case kOptionFilter:
        filter = optarg;
        break;
      case kOptionJson:
        json = optarg;
        break;
      case kOptionPhases:
        phases = true;
        break;
      case kOptionHelp:
        absl::PrintF("%s", kHelp);
        return 0;
      case ':':
        return Complain(absl::StrFormat("%s wants a value", argv[optind - 1]), kExitUsage);
      default:
        return Complain(
            absl::StrFormat("unknown option %s (--help lists them)",
                            optopt != 0 ? absl::StrFormat("-%c", optopt) : argv[optind - 1]),
            kExitUsage);
    }
  }
  if (optind < argc) {
    return Complain(absl::StrFormat("unexpected argument %s", argv[optind]), kExitUsage);
  }

  // Known before two minutes of measuring rather than after.
  if (!json.empty() && access(json.c_str(), F_OK) != 0) {
    const int fd = open(json.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
      const absl::Status status = forkserver::ErrnoStatus(errno, "open " + json);
      return Complain(status, kExitFailed);
    }
    close(fd);
  }
  if (auto hello = (*server)->WaitUntilServing(); !hello.ok()) {
    return Complain(hello.status(), kExitFailed);
  }
  auto launch_rows = LaunchRows::Create(**server);
  if (!launch_rows.ok()) return Complain(launch_rows.status(), kExitFailed);
  if (phases) {
    const absl::Status printed = PrintPhases(**server, (*launch_rows)->options(), kPhaseRounds);
    return printed.ok() ? 0 : Complain(printed, kExitFailed);
  }
  absl::StatusOr<std::vector<Row>> rows = SelectRows((*launch_rows)->Rows(), filter);
  if (!rows.ok()) return Complain(rows.status(), kExitUsage);
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  absl::StatusOr<std::vector<Result>> results = Measure(*rows, budget, [&](int done, int total) {
    if (!is_terminal && done > 0) return;
    absl::FPrintF(stderr, "\rround %d of at most %d", done, total);
    fflush(stderr);
  });
  absl::FPrintF(stderr, "\n");
  if (!results.ok()) return Complain(results.status(), kExitFailed);
  PrintTable(*results);
  if (!json.empty()) {
    if (absl::Status written = WriteJson(*results, json); !written.ok()) {
      return Complain(written, kExitFailed);
    }
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
