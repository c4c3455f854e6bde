#include "examples/browser_host/setup.h"

#include <stdio.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_policy.h"
#include "examples/browser_host/addresses.h"
#include "examples/browser_host/compose/compositor_child.h"
#include "examples/browser_host/decode/decoder_child.h"
#include "examples/browser_host/fetch/socket_child.h"
#include "examples/browser_host/file_url.h"
#include "examples/browser_host/page_child.h"
#include "examples/browser_host/page_metrics.h"
#include "examples/browser_host/page_prefs.h"
#include "examples/browser_host/page_summary.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "examples/browser_host/paint/text_encoding.h"
#include "examples/browser_host/paint/warm_up.h"
#include "examples/browser_host/print_prefs.h"
#include "forkserver/model/process_templates.h"

namespace browser_host {

using forkserver::MakeChildProgram;
using forkserver::ProcessType;
using forkserver::SandboxPolicyId;

namespace {

// Nothing where there is no file: URL, and so no such process.
std::vector<std::string> ReadByFileProcesses(const std::vector<std::string>& pages) {
  std::vector<std::string> paths;
  bool has_file_url = false;
  for (const std::string& page : pages) {
    if (IsUrl(page)) {
      std::optional<std::string> path = PathOfFileUrl(page);
      if (!path) continue;
      has_file_url = true;
      paths.push_back(*std::move(path));
    } else {
      std::string path = std::filesystem::absolute(page).lexically_normal().string();
      // A rule has no slash at its end, and not all that there is.
      if (path.ends_with('/')) path.pop_back();
      if (!path.empty()) paths.push_back(std::move(path));
    }
  }
  return has_file_url ? paths : std::vector<std::string>();
}

// A pipe (/dev/fd/63 of a shell's <(...)) would have to be waited for, without an end where nobody
// writes.
absl::Status CheckPrefsFile(const std::string& file) {
  struct stat status;
  // What is not there the open says better.
  if (stat(file.c_str(), &status) != 0) return absl::OkStatus();
  if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("--prefs %s: it is a pipe, and prefs are read from files", file));
}

}  // namespace

forkserver::StartOptions MakeStartOptions(const CommandLine& line) {
  forkserver::StartOptions options = {
      .programs = {{ProcessType::kContent, MakeChildProgram<PageChild>},
                   {ProcessType::kDataDecoder, MakeChildProgram<DecoderChild>},
                   SocketProgram(),
                   {ProcessType::kGpu, MakeChildProgram<CompositorChild>},
                   {ProcessType::kUtility, MakeChildProgram<PrintPrefsProgram>}},
      .warm_ups = {{"html parser", [] {
                      // Once through the parser: its code is paged in and malloc has grown.
                      const absl::StatusOr<ParsedPage> page = ParsedPage::Parse(
                          "<!doctype html><title>t</title><h1>h</h1><a href=x>l</a>", {});
                      if (page.ok()) SummarizePage(*page);
                      return page.status();
                    }}}};
  options.metrics = PageMetrics();
  options.templates = forkserver::ProcessTemplates(options.programs);
  for (std::string& path : ReadByFileProcesses(line.pages)) {
    forkserver::TemplateNamed(options.templates, "file")
        .sandbox.files.push_back({.path = std::move(path),
                                  .reach = forkserver::FileReach::kBeneath,
                                  .rights = forkserver::kMayRead});
  }
  for (const char* const name : {"content", "file"}) {
    forkserver::TemplateNamed(options.templates, name)
        .warm_ups.push_back({"painter", WarmUpPainter});
    forkserver::TemplateNamed(options.templates, name)
        .warm_ups.push_back({"text encoding", [] {
                               WarmUpTextEncoding();
                               return absl::OkStatus();
                             }});
  }
  SetUpDecoderTemplate(options.templates);
  SetUpSocketTemplate(options.templates, line.network);
  SetUpCompositorTemplate(options.templates);
  // It has one child in its life.
  forkserver::TemplateNamed(options.templates, "utility").pool = forkserver::kNoPool;
  return options;
}

absl::Status LoadPrefs(const CommandLine& line, forkserver::PrefsStore& store) {
  // Before all others, which win.
  store.LoadText(kPagePrefs, "the program's own");
  const size_t own = store.size();
  for (const std::string& file : line.prefs_files) {
    if (absl::Status readable = CheckPrefsFile(file); !readable.ok()) return readable;
    absl::StatusOr<std::vector<forkserver::PrefDiagnostic>> complaints = store.LoadFile(file);
    if (!complaints.ok()) return complaints.status();
    for (const forkserver::PrefDiagnostic& complaint : *complaints) {
      absl::FPrintF(stderr, "%s\n", complaint.ToString());
    }
  }
  if (line.no_sandbox) {
    for (const SandboxPolicyId policy :
         {SandboxPolicyId::kContent, SandboxPolicyId::kFileContent}) {
      store.LoadText(absl::StrFormat("user_pref(\"%s\", %d);", forkserver::SandboxLevelPref(policy),
                                     forkserver::kSandboxOff),
                     "--no-sandbox");
    }
  }
  if (!line.prefs_files.empty()) {
    absl::FPrintF(stderr, "%d pref%s with those of %d file%s\n", store.size(),
                  store.size() == 1 ? "" : "s", line.prefs_files.size(),
                  line.prefs_files.size() == 1 ? "" : "s");
  } else if (line.print_prefs && store.size() == own) {
    absl::FPrintF(stderr, "no prefs are set but the program's own\n");
  }
  return absl::OkStatus();
}

}  // namespace browser_host
