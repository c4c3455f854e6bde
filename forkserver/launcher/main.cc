// The launcher for any program: launcher [--no-supervise] -- PROGRAM [ARGUMENTS]
//
// PROGRAM is a path, or the name of a program in the launcher's own folder. An embedder's own
// launcher is a main of one statement: see run_launcher.h.
#include <string.h>

#include "forkserver/launcher/error_line.h"
#include "forkserver/launcher/run_launcher.h"

namespace {

constexpr int kExitUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  int next = 1;
  auto supervision = forkserver::Supervision::kAlways;
  if (next < argc && strcmp(argv[next], "--no-supervise") == 0) {
    supervision = forkserver::Supervision::kNever;
    ++next;
  }
  if (next + 1 >= argc || strcmp(argv[next], "--") != 0) {
    forkserver::PrintLine("usage: launcher [--no-supervise] -- PROGRAM [ARGUMENTS]");
    return kExitUsage;
  }
  const char* program = argv[next + 1];
  // The rest, headed by the launcher's own name, which its lines on stderr begin with.
  argv[next + 1] = argv[0];
  return forkserver::RunLauncher(argc - next - 1, argv + next + 1,
                                 {.host = program, .supervision = supervision});
}
