#include "forkserver/launcher/end_like.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace forkserver {
namespace {

constexpr int kExitSignalled = 128;

}  // namespace

void DieOf(int signal) {
  // Both: a core_pattern that is a pipe does not ask for the limit.
  const rlimit none = {.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  raise(signal);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  _exit(kExitSignalled + signal);
}

}  // namespace forkserver
