// The browser's bootstrap: starts the browser_host beside it, again if it crashes as it starts, and
// the third time in safe mode. Does nothing without it: browser_host can be started by itself.
#include "forkserver/launcher/run_launcher.h"

int main(int argc, char** argv) {
  return forkserver::RunLauncher(argc, argv, {.host = "browser_host"});
}
