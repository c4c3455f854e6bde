// `--print-prefs`: what a child sees of the prefs.
#ifndef EXAMPLES_BROWSER_HOST_PRINT_PREFS_H_
#define EXAMPLES_BROWSER_HOST_PRINT_PREFS_H_

#include "absl/status/status.h"
#include "child/child_program.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {

// ProcessType::kUtility: prints its own prefs to stdout, sorted by name, one
// `name<TAB>type<TAB>value` a line, with newline, carriage return, tab and backslash escaped.
class PrintPrefsProgram : public forkserver::ChildProgram {
 public:
  int Run(forkserver::ChildContext& context) override;
};

// Launches it, and waits until it has printed all.
absl::Status PrintPrefs(forkserver::ForkServer& server);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PRINT_PREFS_H_
