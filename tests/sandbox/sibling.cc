// The process that attempts are aimed at: it holds a secret, in its memory, its environment and a
// memfd, and tells whether it was signalled. sibling_wire.h says how it is talked to.
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sandbox/attempt_targets.h"
#include "tests/sandbox/sibling_wire.h"

namespace {

using forkserver::testing::kSecretBytes;
using forkserver::testing::SiblingSelf;

// Each on pages of its own: attempts advise the kernel on whole pages.
alignas(4096) char secret[4096];
alignas(4096) char slate[4096];

}  // namespace

int main() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return 1;
  const int arrivals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (arrivals < 0) return 1;
  if (recv(STDIN_FILENO, secret, kSecretBytes, 0) != kSecretBytes) return 1;
  const int file = memfd_create("secret", MFD_CLOEXEC);
  if (file < 0 || pwrite(file, secret, kSecretBytes, 0) != kSecretBytes) return 1;
  slate[0] = 1;
  const SiblingSelf self = {.secret = reinterpret_cast<uintptr_t>(secret),
                            .slate = reinterpret_cast<uintptr_t>(slate),
                            .secret_fd = file};
  if (send(STDIN_FILENO, &self, sizeof(self), MSG_NOSIGNAL) != sizeof(self)) return 1;
  char question;
  while (recv(STDIN_FILENO, &question, 1, 0) == 1) {
    signalfd_siginfo info;
    char signalled = 0;
    while (read(arrivals, &info, sizeof(info)) > 0) signalled = 1;
    if (send(STDIN_FILENO, &signalled, 1, MSG_NOSIGNAL) != 1) return 1;
  }
  return 0;
}
