#include "tests/soak/rest.h"

#include <unistd.h>

#include <functional>
#include <optional>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"

namespace forkserver::soak {
namespace {

constexpr int64_t kPatience = 10 * kNanosPerSecond;
constexpr absl::Duration kTurn = absl::Milliseconds(20);

size_t IdleBlanks(const std::vector<TemplateStatus>& templates) {
  size_t count = 0;
  for (const TemplateStatus& one : templates) count += one.idle_blanks.size();
  return count;
}

// Nothing: at rest.
std::string Unrest(const ForkServer& server) {
  const size_t in_flight = server.in_flight();
  const size_t blanks = IdleBlanks(server.templates());
  if (in_flight + blanks == 0) return "";
  return absl::StrFormat("%d launches, answers or processes in flight, %d blanks", in_flight,
                         blanks);
}

absl::Status EmptyPools(ForkServer& server) {
  for (const TemplateStatus& one : server.templates()) {
    if (absl::Status set = server.SetPool(one.name, kNoPool); !set.ok()) return set;
  }
  return absl::OkStatus();
}

// Takes censuses until one is `enough`; the last one, or why there was none.
absl::StatusOr<Census> TakeUntil(ForkServer& server,
                                 const std::function<bool(const Census& census)>& enough) {
  if (absl::Status emptied = EmptyPools(server); !emptied.ok()) return emptied;
  const int64_t deadline = NowNanos() + kPatience;
  absl::StatusOr<Census> census = absl::UnknownError("");
  for (;;) {
    const std::string unrest = Unrest(server);
    if (unrest.empty()) {
      census = TakeCensus(ProcessesOf(server));
      if (census.ok() && enough(*census)) return census;
    } else {
      census = absl::DeadlineExceededError("not at rest: " + unrest);
    }
    if (NowNanos() >= deadline) return census;
    server.Dispatch(kTurn);
  }
}

}  // namespace

std::vector<WatchedProcess> ProcessesOf(const ForkServer& server) {
  std::vector<WatchedProcess> watched = {{"host", getpid()}};
  if (const std::optional<pid_t> seed = server.seed_pid()) watched.push_back({"seed", *seed});
  for (const TemplateStatus& one : server.templates()) {
    if (one.pid) watched.push_back({one.name, *one.pid});
    if (one.init_pid) watched.push_back({"init of " + one.name, *one.init_pid});
  }
  return watched;
}

absl::StatusOr<Census> CensusAtRest(ForkServer& server) {
  absl::StatusOr<Census> census =
      TakeUntil(server, [](const Census& taken) { return taken.strays.empty(); });
  if (census.ok() && !census->strays.empty()) {
    return absl::DeadlineExceededError("not at rest: " + census->strays.begin()->second);
  }
  return census;
}

absl::StatusOr<Findings> CompareAtRest(ForkServer& server, const Census& opening,
                                       const CensusBounds& bounds) {
  absl::StatusOr<Census> closing = TakeUntil(
      server, [&](const Census& taken) { return Differences(opening, taken, bounds).empty(); });
  if (!closing.ok()) return closing.status();
  std::vector<std::string> differences = Differences(opening, *closing, bounds);
  return Findings{*std::move(closing), std::move(differences)};
}

}  // namespace forkserver::soak
