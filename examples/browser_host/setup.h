// What the browser host's fork server is started with.
#ifndef EXAMPLES_BROWSER_HOST_SETUP_H_
#define EXAMPLES_BROWSER_HOST_SETUP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/command_line.h"
#include "forkserver/host/fork_server.h"
#include "preload/prefs/prefs_store.h"

namespace browser_host {

// `pages` are the command line's: the `file` processes may read what file: URLs name, and below it.
forkserver::StartOptions MakeStartOptions(const std::vector<std::string>& pages);

// What is wrong in the files goes to stderr.
absl::StatusOr<forkserver::PrefsGeneration> LoadPrefs(const CommandLine& line);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SETUP_H_
