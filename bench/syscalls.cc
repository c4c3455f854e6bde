#include "bench/syscalls.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bench/sampler.h"
#include "bench/sampler_modes.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace bench {
namespace {

constexpr int kWarmUp = 5;
// The template goes back to its receive after the child's end has been seen.
constexpr absl::Duration kUntilQuiet = absl::Milliseconds(5);

// "412  close(3) = 0" or "412 <... read resumed>"": who, and the rest.
std::pair<std::string_view, std::string_view> SplitLine(std::string_view line) {
  const size_t end = line.find(' ');
  if (end == std::string_view::npos) return {};
  std::string_view rest = line.substr(end);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return {line.substr(0, end), rest};
}

// The name of the call that this line begins; empty for the end of one, a signal, an exit.
std::string_view CallOf(std::string_view rest) {
  const size_t end = rest.find('(');
  if (end == std::string_view::npos || !absl::ascii_islower(rest.empty() ? ' ' : rest[0]))
    return {};
  return rest.substr(0, end);
}

bool IsFork(std::string_view call) {
  return call == "clone3" || call == "clone" || call == "fork" || call == "vfork";
}

bool IsRequest(std::string_view rest) {
  return absl::StrContains(absl::string_view(rest.data(), rest.size()), "\"once\\n\"");
}

// `read(0, "", 4096) = 0`, in one piece or resumed.
bool IsEndOfRequests(std::string_view rest) {
  const absl::string_view text(rest.data(), rest.size());
  return absl::StartsWith(text, "read(0, \"\"") || absl::StartsWith(text, "<... read resumed>\"\"");
}

bool IsOfTheRequests(std::string_view rest) {
  const absl::string_view text(rest.data(), rest.size());
  return absl::StartsWith(text, "read(0,") || absl::StartsWith(text, "write(1,");
}

absl::Status Trace(const std::string& path, int launches) {
  std::error_code error;
  // strace would take /proc/self/exe for itself.
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return forkserver::ErrnoStatus(error.value(), "readlink /proc/self/exe");
  std::vector<std::string> argv = {"strace", "-f", "-o", path};
  for (std::string& word : SamplerCommand(SamplerMode::kLaunch, Mebibytes{0}, program)) {
    argv.push_back(std::move(word));
  }
  absl::StatusOr<std::unique_ptr<Sampler>> host = Sampler::Start(argv);
  if (!host.ok()) return host.status();
  for (int i = 0; i < kWarmUp + launches; ++i) {
    absl::SleepFor(kUntilQuiet);
    if (absl::StatusOr<double> sample = (*host)->Sample("once"); !sample.ok()) {
      return sample.status();
    }
  }
  absl::SleepFor(kUntilQuiet);
  return absl::OkStatus();
}

void PrintRow(std::string_view name, const SyscallCount& count, int launches) {
  absl::PrintF("%-18s", std::string(name));
  for (const int64_t calls : {count.host, count.template_, count.child}) {
    absl::PrintF(" %9s", calls == 0 ? "-"
                                    : absl::StrFormat("%.2f", static_cast<double>(calls) /
                                                                  static_cast<double>(launches)));
  }
  absl::PrintF("\n");
}

}  // namespace

SyscallCounts CountSyscalls(std::istream& trace, int warm_up) {
  std::map<std::string, std::map<std::string, int64_t>> by_process;
  std::set<std::string> templates;
  std::string host;
  int requests = 0;
  for (std::string line; std::getline(trace, line);) {
    const auto [process, rest] = SplitLine(line);
    if (host.empty()) host = process;
    if (process == host && IsRequest(rest)) {
      // The line of the request itself may be the one that begins its read.
      if (++requests > warm_up) continue;
    }
    if (requests <= warm_up) continue;
    if (process == host && IsEndOfRequests(rest)) break;
    const std::string_view call = CallOf(rest);
    if (call.empty() || (process == host && IsOfTheRequests(rest))) continue;
    ++by_process[std::string(process)][std::string(call)];
    if (process != host && IsFork(call)) templates.insert(std::string(process));
  }
  SyscallCounts counts;
  for (const auto& [process, calls] : by_process) {
    for (const auto& [call, count] : calls) {
      SyscallCount& sum = counts[call];
      (process == host                ? sum.host
       : templates.count(process) > 0 ? sum.template_
                                      : sum.child) += count;
    }
  }
  return counts;
}

absl::Status PrintSyscalls(int launches) {
  char path[] = "/tmp/launch_bench.XXXXXX";
  const forkserver::UniqueFd fd(mkstemp(path));
  if (!fd.is_open()) return forkserver::ErrnoStatus(errno, "mkstemp");
  const absl::Status traced = Trace(path, launches);
  std::ifstream trace(path);
  unlink(path);
  if (!traced.ok()) return traced;
  const SyscallCounts counts = CountSyscalls(trace, kWarmUp);
  SyscallCount total;
  absl::PrintF("system calls of a launch, from the request to the exit reaped (%d launches)\n\n",
               launches);
  absl::PrintF("%-18s %9s %9s %9s\n", "", "host", "template", "child");
  for (const auto& [call, count] : counts) {
    PrintRow(call, count, launches);
    total.host += count.host;
    total.template_ += count.template_;
    total.child += count.child;
  }
  absl::PrintF("\n");
  PrintRow("all", total, launches);
  return absl::OkStatus();
}

}  // namespace bench
