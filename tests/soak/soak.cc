// Launches a mixed load, and holds what is open at its end against what was open at its start.
//
//     soak --launches 20000 --seed 1
//
// Progress goes to stderr, a line a second at most; the last line of stdout sums up. The exit
// status is 0 only if nothing differs that the README's "soak" promises.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/host/fork_server.h"
#include "tests/soak/arguments.h"
#include "tests/soak/census.h"
#include "tests/soak/load.h"
#include "tests/soak/rest.h"
#include "tests/soak/soak_child.h"
#include "tests/soak/twin.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver::soak {
namespace {

// Until the heaps, the pools and what the children record of their pages have the size that they
// keep.
constexpr size_t kWarmUpLaunches = 5000;
constexpr uint64_t kWarmUpSeed = 0;

// Measured: at the close each host had 0 to 40 KiB more of pages (5,000 to 200,000 launches), and
// no template a page; of the heap 1.5 to 22 KiB more were in use, which does not follow the number
// of launches (5,000: 1.5, 100,000: 3.3, 170,000: 22): tables of what is open grow with a peak. So
// a byte that each launch loses is seen from 65,536 launches on, and what a launch is made of in
// the host, a kilobyte and more, in the short run of tools/test.
constexpr CensusBounds kBounds = {.mappings = 0, .rss_kib = 512, .heap_bytes = 64 << 10};

// Nine runs on a machine with a load of 5 to 12 had it between -3 and +4 %, and one of 5,000
// launches -36 %: a short run is over before the machine's mood has changed for both hosts, and
// wears nothing out. It is printed there and not judged.
constexpr double kMostWear = 0.10;
constexpr size_t kWornFrom = 100'000;  // launches

// The last tenth of the launches has the same limit against the first: but minutes lie between the
// two, in which the same launch takes half or twice as long by whoever else computes on the
// machine. So it is judged in a run of a million, whose tenths are a minute each, and what a young
// host has when the run is over counts for the first tenth where that is slower: the machine is
// then, and not the host. A million launches had it at +3 %.
constexpr size_t kTenthsJudgedFrom = 1'000'000;  // launches

// Launches a second, for the deadline: an optimised build makes 1,400 and more, on a machine that
// others keep busy.
constexpr double kSlowestRate = 100;

class Progress {
 public:
  Progress(const char* what, size_t of) : what_(what), of_(of) {}

  void operator()(size_t ended) {
    const int64_t now = NowNanos();
    if (now < next_) return;
    next_ = now + kNanosPerSecond;
    absl::FPrintF(stderr, "soak: %s: %d of %d\n", what_, ended, of_);
  }

 private:
  const char* const what_;
  const size_t of_;
  int64_t next_ = NowNanos() + kNanosPerSecond;
};

StartOptions Options() {
  return {
      .programs = {{ProcessType::kUtility, MakeChildProgram<SoakChild>}},
      .templates = {{.name = kSandboxedTemplate, .sandbox = {.policy = SandboxPolicyId::kContent}}},
      .under_memory_pressure = UnderPressure::kKeepPools};
}

LoadOptions LoadOf(const char* what, size_t launches, uint64_t seed) {
  return {.launches = launches,
          .seed = seed,
          .at_most = absl::Seconds(60 + static_cast<double>(launches) / kSlowestRate),
          .on_progress = Progress(what, launches)};
}

// When the server is gone: nothing of it is left.
std::vector<std::string> Leftovers() {
  std::vector<std::string> lines;
  const absl::StatusOr<Census> census = TakeCensus({});
  if (!census.ok()) return {std::string(census.status().message())};
  for (const auto& [pid, stray] : census->strays) lines.push_back("after the end: " + stray);
  int status = 0;
  const pid_t waited = waitpid(-1, &status, WNOHANG | __WALL);
  if (waited >= 0 || errno != ECHILD) {
    lines.push_back(absl::StrFormat("after the end: waitpid(-1, __WALL): %d, not ECHILD", waited));
  }
  return lines;
}

std::vector<std::string> Faults(const Ledger& ledger) {
  std::vector<std::string> lines = ledger.complaints();
  if (ledger.lost() > 0) lines.push_back(absl::StrFormat("%d launches never ended", ledger.lost()));
  return lines;
}

void PrintFaults(const std::vector<std::string>& faults) {
  for (const std::string& fault : faults) absl::FPrintF(stderr, "soak: %s\n", fault);
}

// Mappings of host and templates, and the host's memory.
Holdings Growth(const Census& opening, const Census& closing) {
  Holdings growth;
  for (const auto& [name, now] : closing.watched) {
    const auto before = opening.watched.find(name);
    if (before == opening.watched.end()) continue;
    growth.mappings += std::max(0, now.mappings - before->second.mappings);
    if (name == "host") growth.rss_kib = now.rss_kib - before->second.rss_kib;
  }
  return growth;
}

void PrintHoldings(const Census& opening, const Census& closing) {
  absl::FPrintF(stderr, "soak: host: %d -> %d bytes of heap in use\n", opening.heap_bytes,
                closing.heap_bytes);
  for (const auto& [name, now] : closing.watched) {
    const auto before = opening.watched.find(name);
    if (before == opening.watched.end()) continue;
    absl::FPrintF(stderr, "soak: %s: %d -> %d mappings, %d -> %d KiB\n", name,
                  before->second.mappings, now.mappings, before->second.rss_kib, now.rss_kib);
  }
}

int Complain(const absl::Status& status, int exit_code) {
  absl::FPrintF(stderr, "soak: %s\n", std::string(status.message()));
  return exit_code;
}

absl::Status WarmUp(ForkServer& server) {
  for (const char* const name : {"root", kSandboxedTemplate}) {
    if (auto hello = server.WaitUntilServing(name); !hello.ok()) return hello.status();
  }
  return Load(server, LoadOf("warming up", kWarmUpLaunches, kWarmUpSeed)).Run();
}

double ChangeOfTenths(const Load& load) {
  return load.last_tenth().MedianMicros() / load.first_tenth().MedianMicros() - 1;
}

const char* IfUnjudged(bool is_judged) { return is_judged ? "" : " (not judged)"; }

absl::StatusOr<Wear> CompareWithTwin(ForkServer& server) {
  absl::StatusOr<Twin> twin = Twin::Start();
  if (!twin.ok()) return twin.status();
  absl::StatusOr<Wear> wear = twin->Compare(server);
  if (!wear.ok()) return wear;
  if (absl::Status ended = twin->End(); !ended.ok()) return ended;
  return wear;
}

int RunTwin(ForkServer& server) {
  if (absl::Status warm = WarmUp(server); !warm.ok()) return Complain(warm, 1);
  if (absl::StatusOr<Census> rest = CensusAtRest(server); !rest.ok()) {
    return Complain(rest.status(), 1);
  }
  return ServeAsTwin(server);
}

int Soak(std::unique_ptr<ForkServer> server, const Arguments& arguments) {
  if (absl::Status warm = WarmUp(*server); !warm.ok()) return Complain(warm, 1);
  // Before the census, which has its ledger in it.
  Load load(*server, LoadOf("launches", arguments.launches, arguments.seed));
  const absl::StatusOr<Census> opening = CensusAtRest(*server);
  if (!opening.ok()) return Complain(opening.status(), 1);
  const int64_t start = NowNanos();
  const absl::Status run = load.Run();
  const double seconds = static_cast<double>(NowNanos() - start) / kNanosPerSecond;
  std::vector<std::string> faults = Faults(load.ledger());
  if (!run.ok()) faults.emplace_back(run.message());
  const absl::StatusOr<Findings> findings = CompareAtRest(*server, *opening, kBounds);
  if (!findings.ok()) {
    PrintFaults(faults);
    return Complain(findings.status(), 1);
  }
  faults.insert(faults.end(), findings->differences.begin(), findings->differences.end());
  absl::StatusOr<Wear> wear = CompareWithTwin(*server);
  if (!wear.ok()) return Complain(wear.status(), 1);
  const bool is_judged = arguments.launches >= kWornFrom;
  if (is_judged && wear->Change() > kMostWear) {
    faults.push_back(absl::StrFormat("latency: a launch takes %.0f us, and %.0f in a young host",
                                     wear->old_micros, wear->young_micros));
  }
  const bool are_tenths_judged = arguments.launches >= kTenthsJudgedFrom;
  const double last = load.last_tenth().MedianMicros();
  const double first = std::max(load.first_tenth().MedianMicros(), wear->young_micros);
  if (are_tenths_judged && last > first * (1 + kMostWear)) {
    faults.push_back(
        absl::StrFormat("latency: a launch takes %.0f us in the last tenth, and %.0f in the first",
                        last, load.first_tenth().MedianMicros()));
  }
  server.reset();
  const std::vector<std::string> leftovers = Leftovers();
  faults.insert(faults.end(), leftovers.begin(), leftovers.end());

  absl::FPrintF(stderr,
                "soak: a lone launch: %.0f us in the first tenth, %.0f in the last; then %.0f, and "
                "%.0f in a young host\n",
                load.first_tenth().MedianMicros(), load.last_tenth().MedianMicros(),
                wear->old_micros, wear->young_micros);
  PrintFaults(faults);
  PrintHoldings(*opening, findings->closing);
  const Ledger& ledger = load.ledger();
  const Holdings growth = Growth(*opening, findings->closing);
  absl::FPrintF(
      stderr,
      "soak: %.1f s, %.0f a second; ready: %d from a pool, %d sandboxed; ended: %d crashed, "
      "%d killed, %d hung up first, %d cancelled\n",
      seconds, static_cast<double>(ledger.ended()) / seconds, load.ready_from_pool(),
      load.ready_sandboxed(), load.crashed(), load.killed(), load.hung_up(), load.cancelled());
  absl::PrintF(
      "soak: %d launches, %d lost statuses, %d repeated, %d unexpected, %d leaked descriptors, "
      "%d processes left, %d leaked mappings, host %+d KiB, latency %+.0f %% of the first "
      "tenth's%s, %+.0f %% of a young host's%s\n",
      ledger.begun(), ledger.lost(), ledger.repeated(), ledger.unexpected(),
      LeakedDescriptors(*opening, findings->closing),
      findings->closing.strays.size() + leftovers.size(), growth.mappings, growth.rss_kib,
      ChangeOfTenths(load) * 100, IfUnjudged(are_tenths_judged), wear->Change() * 100,
      IfUnjudged(is_judged));
  return faults.empty() ? 0 : 1;
}

int Main(int argc, char** argv) {
  auto server = ForkServer::Start(argc, argv, Options());
  if (!server.ok()) return Complain(server.status(), 1);
  if (argc == 2 && std::string_view(argv[1]) == kTwinArgument) return RunTwin(**server);
  const absl::StatusOr<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments.ok()) return Complain(arguments.status(), 2);
  if (arguments->wants_help) {
    absl::PrintF("%s", kHelp);
    return 0;
  }
  // What a dying process leaves behind comes to this one, and is counted.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return Complain(ErrnoStatus(errno, "prctl PR_SET_CHILD_SUBREAPER"), 1);
  }
  // Load has a deadline of its own, which names what is open; this one is for a call that never
  // comes back to it.
  alarm(static_cast<unsigned>(300 + 2 * static_cast<double>(arguments->launches) / kSlowestRate));
  return Soak(*std::move(server), *arguments);
}

}  // namespace
}  // namespace forkserver::soak

int main(int argc, char** argv) {
  const int status = forkserver::soak::Main(argc, argv);
  return fflush(stdout) == 0 ? status : 1;
}
