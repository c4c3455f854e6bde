#include "examples/browser_host/report.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"

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
  if (const std::optional<pid_t> root = server.root_pid()) {
    PrintRow(*root, "forkserver", "-", "-", PrivateKib(*root), "-", "running");
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
  std::sort(nanos.begin(), nanos.end());
  absl::PrintF(
      "\n%d pages in %d content processes; launch to Ready: median %d us, slowest %d us; "
      "%d of %d reaped\n",
      result.pages.size(), result.processes.size(),
      (nanos[(nanos.size() - 1) / 2] + nanos[nanos.size() / 2]) / 2000, nanos.back() / 1000, reaped,
      result.processes.size());
}

}  // namespace browser_host
