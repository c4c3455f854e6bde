// A launcher as an embedder makes one, with every option set.
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "forkserver/launcher/run_launcher.h"

int main(int argc, char** argv) {
  const char* host = getenv("TESTED_HOST");
  const char* millis = getenv("TESTED_START_MILLIS");
  return forkserver::RunLauncher(
      argc, argv,
      {.host = host != nullptr ? host : "tested_host",
       .attributes = {.limits = {{RLIMIT_NOFILE, 123, 456}},
                      .nice = 3,
                      .oom_score_adj = 77,
                      .cgroup = getenv("TESTED_CGROUP")},
       .environment = {{"TESTED_ADDED", "yes"}, {"TESTED_CHANGED", "new"}, {"TESTED_REMOVED", {}}},
       .start_millis = millis != nullptr ? atoi(millis) : forkserver::kDefaultStartMillis});
}
