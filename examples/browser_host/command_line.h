// The browser host's command line.
#ifndef EXAMPLES_BROWSER_HOST_COMMAND_LINE_H_
#define EXAMPLES_BROWSER_HOST_COMMAND_LINE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_policy.h"
#include "examples/browser_host/fetch/fetch_setup.h"
#include "forkserver/model/origin_attributes.h"

namespace browser_host {

struct CommandLine {
  bool help = false;
  bool print_prefs = false;
  bool no_sandbox = false;
  bool by_name = false;
  bool about_processes = false;
  bool json = false;                     // of about:processes
  std::vector<std::string> prefs_files;  // in order: a later one wins
  std::vector<std::string> pages;        // files, folders and URLs
  forkserver::OriginAttributes attributes = {};
  std::string pictures = {};       // the folder; empty: pages are not painted
  std::string gallery = {};        // the file; its pictures are in `pictures`
  std::string crash_reports = {};  // the folder; empty: none are written
  FetchSetup network = {};
  std::string trace;      // the file for it; empty: there is to be none
  std::string telemetry;  // the same
  // Whose layers are to be tried on this machine; empty: that is not asked for.
  std::vector<forkserver::SandboxPolicyId> sandbox_report;
};

std::string_view HelpText();

// InvalidArgument is one line that names what is wrong.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, char** argv);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMMAND_LINE_H_
