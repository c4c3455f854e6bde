// A browser-like host: opens HTML pages, each site in a content process of its own.
#include <stdio.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_policy.h"
#include "examples/browser_host/browser.h"
#include "examples/browser_host/child_programs.h"
#include "examples/browser_host/command_line.h"
#include "examples/browser_host/page_summary.h"
#include "examples/browser_host/report.h"
#include "examples/browser_host/sandbox_table.h"
#include "examples/browser_host/sites.h"
#include "forkserver/host/fork_server.h"
#include "preload/prefs/prefs_store.h"

namespace browser_host {
namespace {

using forkserver::ForkServer;
using forkserver::MakeChildProgram;
using forkserver::ProcessType;
using forkserver::SandboxPolicyId;

constexpr char kContentTemplate[] = "content";
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

int Complain(const absl::Status& status, int exit_code) {
  absl::FPrintF(stderr, "browser_host: %s\n", std::string(status.message()));
  return exit_code;
}

forkserver::StartOptions MakeStartOptions() {
  return {.programs = {{ProcessType::kContent, MakeChildProgram<ContentProgram>},
                       {ProcessType::kUtility, MakeChildProgram<PrintPrefsProgram>}},
          .warm_ups = {{"html parser",
                        [] {
                          // Once through the parser: its code is paged in and malloc has grown.
                          SummarizePage("<!doctype html><title>t</title><h1>h</h1><a href=x>l</a>");
                          return absl::OkStatus();
                        }}},
          .templates = {{.name = kContentTemplate,
                         .types = {ProcessType::kContent},
                         .sandbox = {.policy = SandboxPolicyId::kContent}}}};
}

absl::Status LoadPrefs(const CommandLine& line, ForkServer& server) {
  const std::vector<std::string>& files = line.prefs_files;
  if (files.empty() && !line.no_sandbox) return absl::OkStatus();
  forkserver::PrefsStore store;
  for (const std::string& file : files) {
    absl::StatusOr<std::vector<forkserver::PrefDiagnostic>> complaints = store.LoadFile(file);
    if (!complaints.ok()) return complaints.status();
    for (const forkserver::PrefDiagnostic& complaint : *complaints) {
      absl::FPrintF(stderr, "%s\n", complaint.ToString());
    }
  }
  if (line.no_sandbox) {
    store.LoadText(absl::StrFormat("user_pref(\"%s\", %d);",
                                   forkserver::SandboxLevelPref(SandboxPolicyId::kContent),
                                   forkserver::kSandboxOff),
                   "--no-sandbox");
  }
  absl::StatusOr<forkserver::PrefsGeneration> generation = store.Publish();
  if (!generation.ok()) return generation.status();
  absl::FPrintF(stderr, "%d prefs from %d files\n", store.size(), files.size());
  server.SetPrefs(*std::move(generation));
  return absl::OkStatus();
}

absl::Status PrintPrefs(ForkServer& server) {
  auto child = server.Launch({.type = ProcessType::kUtility, .argv = {"print-prefs"}});
  if (!child.ok()) return child.status();
  absl::StatusOr<forkserver::ExitStatus> status = child->process.Wait();
  if (!status.ok()) return status.status();
  if (!status->success()) return absl::InternalError("print-prefs child " + status->ToString());
  return absl::OkStatus();
}

void DescribeTemplate(const forkserver::HelloMessage& hello, const forkserver::StartReport& start) {
  if (start.way == forkserver::LaunchWay::kExec) {
    absl::FPrintF(stderr, "fork server: root exec'ed, since %s\n", start.reason);
  }
  for (const forkserver::WarmUpReport& warm_up : hello.warm_ups) {
    absl::FPrintF(stderr, "fork server: warm-up '%s': %d us, %d KiB anonymous%s%s\n", warm_up.name,
                  warm_up.nanos / 1000, warm_up.anonymous_kib, warm_up.error.empty() ? "" : ": ",
                  warm_up.error);
  }
  absl::FPrintF(stderr, "fork server: memory: %s\n", hello.freeze.ToString());
}

absl::Status FlushOutput() {
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return absl::OkStatus();
  return absl::DataLossError("write to stdout failed");
}

int ReportSandbox(const std::vector<forkserver::SandboxPolicyId>& policies) {
  const absl::StatusOr<SandboxVerdict> verdict = PrintSandboxTable(policies);
  if (!verdict.ok()) return Complain(verdict.status(), kExitFailed);
  if (absl::Status written = FlushOutput(); !written.ok()) return Complain(written, kExitFailed);
  return *verdict == SandboxVerdict::kLaunches ? 0 : kExitFailed;
}

int Main(int argc, char** argv) {
  auto server = ForkServer::Start(argc, argv, MakeStartOptions());
  if (!server.ok()) return Complain(server.status(), kExitFailed);
  absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) return Complain(line.status(), kExitUsage);
  if (line->help) {
    absl::PrintF("%s", HelpText());
    return 0;
  }
  if (!line->sandbox_report.empty()) return ReportSandbox(line->sandbox_report);
  absl::StatusOr<std::vector<Site>> sites = FindSites(line->pages);
  if (!sites.ok()) return Complain(sites.status(), kExitFailed);
  if (absl::Status loaded = LoadPrefs(*line, **server); !loaded.ok()) {
    return Complain(loaded, kExitFailed);
  }
  auto hello = (*server)->WaitUntilServing();
  if (!hello.ok()) return Complain(hello.status(), kExitFailed);
  DescribeTemplate(*hello, (*server)->start_report());

  if (line->print_prefs) {
    if (absl::Status printed = PrintPrefs(**server); !printed.ok()) {
      return Complain(printed, kExitFailed);
    }
  }
  if (sites->empty()) return 0;
  if (auto content = (*server)->WaitUntilServing(kContentTemplate); !content.ok()) {
    return Complain(content.status(), kExitFailed);
  }
  absl::FPrintF(stderr, "opening %d sites\n", sites->size());
  absl::StatusOr<BrowserResult> result =
      OpenSites(**server, *sites, line->by_name ? PagesAre::kOpenedByIt : PagesAre::kGiven);
  if (!result.ok()) return Complain(result.status(), kExitFailed);
  PrintPages(*result);
  PrintProcesses(*result, **server);
  if (absl::Status written = FlushOutput(); !written.ok()) return Complain(written, kExitFailed);
  for (const OpenedPage& page : result->pages) {
    if (!page.error.empty()) return kExitFailed;
  }
  return 0;
}

}  // namespace
}  // namespace browser_host

int main(int argc, char** argv) { return browser_host::Main(argc, argv); }
