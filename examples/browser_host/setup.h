// What the browser host's fork server is started with.
#ifndef EXAMPLES_BROWSER_HOST_SETUP_H_
#define EXAMPLES_BROWSER_HOST_SETUP_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "examples/browser_host/command_line.h"
#include "forkserver/host/fork_server.h"
#include "preload/prefs/prefs_store.h"

namespace browser_host {

// Of the command line's pages the `file` processes may read what file: URLs, files and folders
// name, and below it; of its network the socket process the certificates.
forkserver::StartOptions MakeStartOptions(const CommandLine& line);

// The program's own (page_prefs.h), and then the files'. What is wrong in those goes to stderr.
absl::Status LoadPrefs(const CommandLine& line, forkserver::PrefsStore& store);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SETUP_H_
