#include "examples/browser_host/report.h"

#include <stdio.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"
#include "examples/browser_host/process_rows.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

using forkserver::OneLine;

constexpr size_t kShownHeadings = 6;
constexpr size_t kShownLinks = 4;

void PrintList(const char* label, const std::vector<std::string>& entries, size_t count,
               size_t shown) {
  std::string line;
  for (size_t i = 0; i < std::min(shown, entries.size()); ++i) {
    if (i > 0) line += "; ";
    line += OneLine(entries[i]);
  }
  if (count > shown) line += absl::StrFormat("; and %d more", count - shown);
  printf("  %-9s %zu%s%s\n", label, count, entries.empty() ? "" : ": ", line.c_str());
}

void PrintTable(const std::vector<ProcessRow>& rows) {
  static constexpr std::string_view kRemoteType = "REMOTE TYPE";
  size_t type_width = 10;
  size_t width = kRemoteType.size();
  for (const ProcessRow& row : rows) {
    type_width = std::max(type_width, row.type.size());
    width = std::max(width, row.remote_type.size());
  }
  const auto print = [&](const std::string& pid, std::string_view type,
                         std::string_view remote_type, std::string_view by, std::string_view pages,
                         std::string_view private_memory, std::string_view launch,
                         std::string_view end) {
    absl::PrintF("%7s  %-*s  %-*s  %-4s  %5s  %8s  %9s  %s\n", pid, static_cast<int>(type_width),
                 type, static_cast<int>(width), remote_type, by, pages, private_memory, launch,
                 end);
  };
  absl::PrintF("\n");
  print("PID", "TYPE", kRemoteType, "BY", "PAGES", "PRIVATE", "LAUNCH", "END");
  for (const ProcessRow& row : rows) {
    print(std::to_string(row.pid), row.type, row.remote_type, row.by, row.pages, row.private_memory,
          row.launch, row.end);
  }
}

void PrintSummary(const PageResult& result) {
  const PageSummary& summary = result.summary;
  printf("  title     %s\n", OneLine(summary.title).c_str());
  PrintList("headings", summary.headings, result.headings, kShownHeadings);
  PrintList("links", summary.links, result.links, kShownLinks);
  printf("  text      %llu bytes\n", static_cast<unsigned long long>(summary.text_bytes));
}

void PrintPicture(const OpenedPage& page) {
  if (!page.picture_file.empty()) {
    absl::PrintF("  picture   %s, %s, painted in %.1f ms\n", OneLine(page.picture_file),
                 PictureSizeText(page), static_cast<double>(page.result.paint_nanos) / 1e6);
  } else if (!page.result.no_picture.empty()) {
    absl::PrintF("  picture   none: %s\n", OneLine(page.result.no_picture));
  }
  if (const std::string missing = page.result.missing.ToString(); !missing.empty()) {
    absl::PrintF("  missing   %s\n", OneLine(missing));
  }
  if (const std::string blocked = BlockedText(page); !blocked.empty()) {
    absl::PrintF("  blocked   %s\n", blocked);
  }
  if (const std::string undecoded = UndecodedText(page); !undecoded.empty()) {
    absl::PrintF("  undecoded %s\n", OneLine(undecoded));
  }
}

// One line, and one more for each layer that this machine refused.
void PrintSandbox(const forkserver::SandboxReport* report) {
  if (report == nullptr) {
    absl::PrintF("sandbox: none\n");
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
  absl::PrintF("sandbox: %s, level %d, %d of %d layers\n%s",
               forkserver::SandboxPolicyName(report->policy), report->level, held, wanted, missing);
}

// Of each policy once, since all processes of one come from one template.
void PrintSandboxes(const BrowserResult& result) {
  std::set<forkserver::SandboxPolicyId> printed;
  absl::PrintF("\n");
  for (const EndedProcess& process : result.processes) {
    const forkserver::SandboxReport* report = process.handle.sandbox.get();
    const auto policy = report != nullptr ? report->policy : forkserver::SandboxPolicyId::kNone;
    if (printed.insert(policy).second) PrintSandbox(report);
  }
}

}  // namespace

void PrintPages(const BrowserResult& result) {
  for (const OpenedPage& page : result.pages) {
    printf("%s\n", OneLine(page.url).c_str());
    if (HasBadStatus(page)) absl::PrintF("  status    %d\n", page.http_status);
    if (!page.result.error.empty()) {
      printf("  error     %s\n", OneLine(page.result.error).c_str());
      if (!page.report.empty()) printf("  report    %s\n", OneLine(page.report).c_str());
    }
    if (page.result.was_read) PrintSummary(page.result);
    PrintPicture(page);
  }
}

void PrintProcesses(const BrowserResult& result, const forkserver::ForkServer& server) {
  std::vector<int64_t> nanos;
  size_t reaped = 0;
  for (const EndedProcess& process : result.processes) {
    if (process.remote_type.empty()) continue;  // a service's
    nanos.push_back(absl::ToInt64Nanoseconds(process.handle.times.ToReady()));
    reaped += process.end.exit.ok();
  }
  PrintTable(ProcessRows(result, server));
  if (nanos.empty()) return;
  PrintSandboxes(result);
  std::sort(nanos.begin(), nanos.end());
  absl::PrintF(
      "%d page%s in %d content process%s; launch to Ready: median %d us, slowest %d us; "
      "%d of %d reaped\n",
      result.pages.size(), result.pages.size() == 1 ? "" : "s", nanos.size(),
      nanos.size() == 1 ? "" : "es",
      (nanos[(nanos.size() - 1) / 2] + nanos[nanos.size() / 2]) / 2000, nanos.back() / 1000, reaped,
      nanos.size());
}

}  // namespace browser_host
