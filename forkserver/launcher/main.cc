// The launcher for any program: launcher [--no-supervise] -- PROGRAM [ARGUMENTS]
//
// PROGRAM is a path with a '/' in it, or the name of a program in the launcher's own folder. An
// embedder's own launcher is a main of one statement: see run_launcher.h.
#include <string.h>
#include <unistd.h>

#include "forkserver/launcher/error_line.h"
#include "forkserver/launcher/run_launcher.h"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

constexpr char kHelp[] =
    "usage: launcher [--no-supervise] -- PROGRAM [ARGUMENTS]\n"
    "\n"
    "Starts PROGRAM, and again if it crashes as it starts. PROGRAM is a path with a '/' in it, or\n"
    "the name of a program in the launcher's own folder; PATH is not searched.\n"
    "\n"
    "  --no-supervise  exec it instead: same pid, nothing remains, no second attempt\n"
    "  --help          this text\n";

int Help() {
  constexpr size_t kSize = sizeof(kHelp) - 1;
  if (write(STDOUT_FILENO, kHelp, kSize) == static_cast<ssize_t>(kSize)) return 0;
  forkserver::PrintLine("launcher: write to stdout failed");
  return kExitFailed;
}

}  // namespace

int main(int argc, char** argv) {
  int next = 1;
  auto supervision = forkserver::Supervision::kAlways;
  if (next < argc && strcmp(argv[next], "--no-supervise") == 0) {
    supervision = forkserver::Supervision::kNever;
    ++next;
  }
  // The program's own options are behind "--".
  if (next < argc && strcmp(argv[next], "--help") == 0) return Help();
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
