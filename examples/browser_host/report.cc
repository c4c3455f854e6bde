#include "examples/browser_host/report.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"

namespace browser_host {
namespace {

constexpr size_t kShownHeadings = 6;
constexpr size_t kShownLinks = 4;

// Pages may say anything; a terminal should not act on it.
std::string Printable(std::string text) {
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
  }
  return text;
}

void PrintList(const char* label, const std::vector<std::string>& entries, size_t shown) {
  std::string line;
  for (size_t i = 0; i < std::min(shown, entries.size()); ++i) {
    if (i > 0) line += "; ";
    line += Printable(entries[i]);
  }
  if (entries.size() > shown) line += absl::StrFormat("; and %d more", entries.size() - shown);
  printf("  %-9s %zu%s%s\n", label, entries.size(), entries.empty() ? "" : ": ", line.c_str());
}

std::string Kib(int64_t kib) { return kib < 0 ? "-" : absl::StrFormat("%d KiB", kib); }

void PrintRow(pid_t pid, std::string_view type, std::string_view site, std::string_view pages,
              int64_t kib, std::string_view launch, std::string_view exit) {
  absl::PrintF("%8d  %-11s %-24s %5s  %11s  %9s  %s\n", pid, type, site, pages, Kib(kib), launch,
               exit);
}

// One line, and one more for each layer that this machine refused.
void PrintSandbox(const forkserver::SandboxReport* report) {
  if (report == nullptr) {
    absl::PrintF("\nsandbox: none\n");
    return;
  }
  size_t wanted = 0;
  size_t held = 0;
  std::string missing;
  for (size_t i = 0; i < forkserver::kSandboxLayerCount; ++i) {
    const auto layer = static_cast<forkserver::SandboxLayer>(i);
    const forkserver::LayerState& state = (*report)[layer];
    if (state.outcome == forkserver::LayerOutcome::kNotWanted) continue;
    ++wanted;
    held += state.holds();
    if (state.holds()) continue;
    absl::StrAppendFormat(&missing, "  without %s: %s\n", forkserver::SandboxLayerName(layer),
                          forkserver::LayerStateText(state));
  }
  absl::PrintF("\nsandbox: %s, level %d, %d of %d layers\n%s",
               forkserver::SandboxPolicyName(report->policy), report->level, held, wanted, missing);
}

}  // namespace

void PrintPages(const BrowserResult& result) {
  for (const OpenedPage& page : result.pages) {
    printf("%s/%s\n", Printable(page.site).c_str(), Printable(page.name).c_str());
    if (!page.error.empty()) {
      printf("  error     %s\n", Printable(page.error).c_str());
      continue;
    }
    printf("  title     %s\n", Printable(page.summary.title).c_str());
    PrintList("headings", page.summary.headings, kShownHeadings);
    PrintList("links", page.summary.links, kShownLinks);
    printf("  text      %llu bytes\n", static_cast<unsigned long long>(page.summary.text_bytes));
  }
}

void PrintProcesses(const BrowserResult& result, const forkserver::ForkServer& server) {
  absl::PrintF("\n%8s  %-11s %-24s %5s  %11s  %9s  %s\n", "PID", "TYPE", "SITE", "PAGES", "PRIVATE",
               "LAUNCH", "END");
  PrintRow(getpid(), "parent", "-", "-", PrivateKib(getpid()), "-", "running");
  if (const std::optional<pid_t> seed = server.seed_pid()) {
    PrintRow(*seed, "seed", "-", "-", PrivateKib(*seed), "-", "running");
  }
  for (const forkserver::TemplateStatus& one : server.templates()) {
    const bool is_root = one.name == forkserver::kRootTemplate;
    const std::string of = is_root ? "-" : one.name;
    if (one.pid) PrintRow(*one.pid, "forkserver", of, "-", PrivateKib(*one.pid), "-", "running");
    if (one.init_pid) {
      PrintRow(*one.init_pid, "init", of, "-", PrivateKib(*one.init_pid), "-", "running");
    }
  }
  std::vector<int64_t> nanos;
  size_t reaped = 0;
  for (const ContentProcess& process : result.processes) {
    const int64_t launch = process.times.ready_received_at - process.times.requested_at;
    nanos.push_back(launch);
    reaped += process.exit.has_value();
    PrintRow(process.pid, "content", Printable(process.site), std::to_string(process.pages),
             process.private_kib, absl::StrFormat("%d us", launch / 1000),
             process.exit ? process.exit->ToString() : "unknown");
  }
  if (nanos.empty()) return;
  PrintSandbox(result.sandbox.get());
  std::sort(nanos.begin(), nanos.end());
  absl::PrintF(
      "%d pages in %d content processes; launch to Ready: median %d us, slowest %d us; "
      "%d of %d reaped\n",
      result.pages.size(), result.processes.size(),
      (nanos[(nanos.size() - 1) / 2] + nanos[nanos.size() / 2]) / 2000, nanos.back() / 1000, reaped,
      result.processes.size());
}

}  // namespace browser_host
