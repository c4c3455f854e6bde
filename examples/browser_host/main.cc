// A browser-like host: opens HTML pages, each site in a content process of its own.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/about_processes.h"
#include "examples/browser_host/addresses.h"
#include "examples/browser_host/browser.h"
#include "examples/browser_host/command_line.h"
#include "examples/browser_host/instruments.h"
#include "examples/browser_host/load/served_sites.h"
#include "examples/browser_host/picture_book.h"
#include "examples/browser_host/preallocate.h"
#include "examples/browser_host/print_prefs.h"
#include "examples/browser_host/progress.h"
#include "examples/browser_host/report.h"
#include "examples/browser_host/sandbox_table.h"
#include "examples/browser_host/setup.h"
#include "examples/browser_host/spoken_lines.h"
#include "examples/browser_host/stop_signals.h"
#include "examples/browser_host/with_url.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/launcher/host_start.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/preallocation.h"
#include "forkserver/model/total_memory.h"
#include "preload/prefs/prefs_map.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/event_loop.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

using forkserver::ForkServer;
using forkserver::ParentProcess;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
// As a shell has it of a program that a signal has ended.
constexpr int kExitSignalled = 128;

int Complain(const absl::Status& status, int exit_code = kExitFailed) {
  absl::FPrintF(stderr, "browser_host: %s\n", forkserver::OneLine(std::string(status.message())));
  return exit_code;
}

absl::Status FlushOutput() {
  // Of an earlier write only that it failed is known.
  if (fflush(stdout) != 0) return forkserver::ErrnoStatus(errno, "write to stdout");
  return ferror(stdout) == 0 ? absl::OkStatus() : absl::DataLossError("write to stdout failed");
}

// At once, or what a write failed with is lost with the next one.
absl::Status PrintHelp() {
  const std::string_view text = HelpText();
  const bool is_written =
      fwrite(text.data(), 1, text.size(), stdout) == text.size() && fflush(stdout) == 0;
  return is_written ? absl::OkStatus() : forkserver::ErrnoStatus(errno, "write to stdout");
}

int ReportSandbox(const CommandLine& line) {
  forkserver::PrefsStore store;
  if (absl::Status loaded = LoadPrefs(line, store); !loaded.ok()) return Complain(loaded);
  const absl::StatusOr<forkserver::PrefsGeneration> generation = store.Publish();
  if (!generation.ok()) return Complain(generation.status());
  forkserver::PrefsMap prefs;
  if (const int error = forkserver::PrefsMap::Attach(generation->fd->get(), prefs); error != 0) {
    return Complain(forkserver::ErrnoStatus(error, "map the prefs"));
  }
  const absl::StatusOr<SandboxVerdict> verdict = PrintSandboxTable(line.sandbox_report, prefs);
  if (!verdict.ok()) return Complain(verdict.status());
  if (absl::Status written = FlushOutput(); !written.ok()) return Complain(written);
  return *verdict == SandboxVerdict::kLaunches ? 0 : kExitFailed;
}

// A line for each of the first, and their number: whoever keeps stdout for later knows by then why
// the exit status is what it is.
void SayWhatFailed(const BrowserResult& result, SpokenLines& lines) {
  constexpr int kMostNamed = 10;
  int failed = 0;
  for (const OpenedPage& page : result.pages) {
    if (page.result.error.empty() || ++failed > kMostNamed) continue;
    lines.Say(forkserver::OneLine(WithUrl(page.url, page.result.error)));
  }
  if (failed == 0) return;
  lines.Say(absl::StrFormat("%d of %d page%s ha%s an error", failed, result.pages.size(),
                            result.pages.size() == 1 ? "" : "s", failed == 1 ? "s" : "ve"));
}

// Until its user has seen enough.
int ShowProcesses(ParentProcess& parent, const PagesToOpen& pages, forkserver::PrefsStore& store,
                  const CommandLine& line, const StopSignals& stop, SpokenLines& lines) {
  absl::StatusOr<std::unique_ptr<AboutProcesses>> about =
      AboutProcesses::Start(parent, {.json = line.json});
  if (!about.ok()) return Complain(about.status());
  if ((*about)->has_terminal() && isatty(STDERR_FILENO) != 0) lines.Hold();
  const absl::StatusOr<BrowserResult> result =
      OpenSites(parent, pages.sites,
                {.served = ServedSites(pages.served),
                 .network = line.network,
                 .prefs = &store,
                 .pages_are = line.by_name ? PagesAre::kOpenedByIt : PagesAre::kGiven,
                 .attributes = line.attributes,
                 .keeps_open = true,
                 .on_all_done = [&] { (*about)->OnAllDone(); },
                 .should_stop =
                     [&] {
                       const bool is_over = (*about)->is_over() || stop.signal().has_value();
                       if (is_over) (*about)->End();
                       return is_over;
                     }});
  (*about)->End();
  lines.LetGo();
  if (!result.ok()) return Complain(result.status());
  if (absl::Status written = FlushOutput(); !written.ok()) return Complain(written);
  // What is asked for is the processes; what became of pages is beside that.
  SayWhatFailed(*result, lines);
  return stop.signal() ? kExitSignalled + *stop.signal() : 0;
}

int OpenAndReport(ParentProcess& parent, Instruments& instruments, PictureBook& book,
                  const PagesToOpen& pages, forkserver::PrefsStore& store, const CommandLine& line,
                  SpokenLines& lines) {
  const absl::StatusOr<uint64_t> memory = forkserver::ReadTotalMemory();
  if (!memory.ok()) return Complain(memory.status());
  forkserver::Preallocation preallocation(parent, *memory);
  if (absl::Status ready = Preallocate(parent, preallocation); !ready.ok()) return Complain(ready);
  const absl::StatusOr<std::unique_ptr<StopSignals>> stop = StopSignals::Watch(parent.loop());
  if (!stop.ok()) return Complain(stop.status());
  PrintSites(pages.sites);
  if (line.about_processes) return ShowProcesses(parent, pages, store, line, **stop, lines);
  PageProgress progress(pages.sites, forkserver::NowNanos());
  BrowserOptions options = {
      .served = ServedSites(pages.served),
      .network = line.network,
      .prefs = &store,
      .pages_are = line.by_name ? PagesAre::kOpenedByIt : PagesAre::kGiven,
      .attributes = line.attributes,
      .when_reported = [&](pid_t pid,
                           auto callback) { instruments.WhenReported(pid, std::move(callback)); },
      .on_page = [&] { absl::FPrintF(stderr, "%s", progress.OnPage(forkserver::NowNanos())); },
      .should_stop = [&] { return (*stop)->signal().has_value(); }};
  book.AddTo(options);
  // A disk that does not answer is no reason not to end.
  book.StopWaitingWhen([&] { return (*stop)->Look(); });
  const absl::Cleanup signals_end = [&] { book.StopWaitingWhen({}); };
  absl::StatusOr<BrowserResult> result = OpenSites(parent, pages.sites, options);
  if (!result.ok()) return Complain(result.status());
  book.Settle(*result);
  const std::optional<int>& signal = (*stop)->signal();
  if (signal) absl::FPrintF(stderr, "%s", progress.Stopped(*signal));
  PrintPages(*result);
  PrintProcesses(*result, parent.server());
  // Who does not want to read the report may want the pictures.
  const absl::Status printed = FlushOutput();
  if (!printed.ok()) Complain(printed);
  if (!signal) SayWhatFailed(*result, lines);
  const absl::Status pictures = book.Close(*result, parent.server(), lines);
  if (!pictures.ok()) Complain(pictures);
  if (signal) return kExitSignalled + *signal;
  return printed.ok() && pictures.ok() && result->all_opened() ? 0 : kExitFailed;
}

int RunHost(ForkServer& server, Instruments& instruments, const CommandLine& line,
            SpokenLines& lines) {
  PassedOver passed_over;
  const absl::StatusOr<PagesToOpen> pages = FindPages(line.pages, passed_over);
  if (!pages.ok()) return Complain(pages.status());
  PrintPassedOver(passed_over);
  forkserver::PrefsStore store;
  if (absl::Status loaded = LoadPrefs(line, store); !loaded.ok()) return Complain(loaded);
  absl::StatusOr<forkserver::PrefsGeneration> prefs = store.Publish();
  if (!prefs.ok()) return Complain(prefs.status());
  // What is to be written has its place before anything is launched.
  if (absl::Status opened = instruments.Open(); !opened.ok()) return Complain(opened);
  absl::StatusOr<PictureBook> book = PictureBook::Make(line);
  if (!book.ok()) return Complain(book.status());
  // In safe mode there is no template to wait for; the first process says so.
  if (server.safe_mode().ok()) {
    auto hello = server.WaitUntilServing();
    if (!hello.ok()) return Complain(hello.status());
    PrintStart(*hello, server.start_report());
  }
  // From here on a crash is not the start's.
  forkserver::TellLauncherThatStartIsOver();

  auto loop = forkserver::EventLoop::Create();
  if (!loop.ok()) return Complain(loop.status());
  auto parent = ParentProcess::Create({.server = server, .loop = **loop, .log = lines.AsLog()});
  if (!parent.ok()) return Complain(parent.status());
  if (absl::Status watched = instruments.Watch(**loop); !watched.ok()) return Complain(watched);
  const absl::Cleanup unwatch = [&] { instruments.Unwatch(); };
  // The level of a sandbox is that of the moment when its template starts.
  if (absl::Status set = (*parent)->SetPrefs(*std::move(prefs)); !set.ok()) return Complain(set);
  if (line.print_prefs) {
    if (absl::Status printed = PrintPrefs(server); !printed.ok()) return Complain(printed);
  }
  if (pages->sites.empty()) return 0;
  return OpenAndReport(**parent, instruments, *book, *pages, store, line, lines);
}

int Main(int argc, char** argv) {
  // Before any other descriptor gets its number: by the end stdout would be that one's file.
  const bool has_stdout = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
  // Before Start, since the policy of its templates has in it what the command line names.
  const absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  SpokenLines lines;
  Instruments instruments(line.ok() ? *line : CommandLine(), lines);
  auto server = [&] {
    const BlockedStopSignals blocked;
    forkserver::StartOptions options = MakeStartOptions(line.ok() ? *line : CommandLine());
    instruments.AddTo(options);
    return ForkServer::Start(argc, argv, std::move(options));
  }();
  if (!server.ok()) return Complain(server.status());
  if (!line.ok()) return Complain(line.status(), kExitUsage);
  // Nothing that it prints would be seen.
  if (!has_stdout) return Complain(forkserver::ErrnoStatus(EBADF, "write to stdout"));
  if (line->help) {
    const absl::Status written = PrintHelp();
    return written.ok() ? 0 : Complain(written);
  }
  if (!line->sandbox_report.empty()) return ReportSandbox(*line);
  // A stdout that nobody reads any more, or a file as large as files may be (ulimit -f), is an
  // error as a full disk's: what is to be written elsewhere is. After Start, since children have
  // what the templates began with.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  const int exit_code = RunHost(**server, instruments, *line, lines);
  const absl::Status written = instruments.Close(**server);
  if (written.ok()) return exit_code;
  const int failed = Complain(written);
  return exit_code != 0 ? exit_code : failed;
}

}  // namespace
}  // namespace browser_host

int main(int argc, char** argv) { return browser_host::Main(argc, argv); }
