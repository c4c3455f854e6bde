// A launcher that never resumes its host.
//
//   suspending_launcher wait FILE      forks a host that would make FILE, says "ready PID", and
//   waits suspending_launcher give-up FILE   the same, but gives it up, and says how many children
//   it has
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forkserver/launcher/suspended_host.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  char touch[] = "touch";
  char* host_argv[] = {touch, argv[2], nullptr};
  sigset_t mask;
  sigemptyset(&mask);
  struct sigaction sigchld = {};
  {
    forkserver::SuspendedHost host;
    const forkserver::FailedCall failed = host.Fork({.path = "/usr/bin/touch",
                                                     .argv = host_argv,
                                                     .environment = environ,
                                                     .signal_mask = &mask,
                                                     .sigchld = &sigchld,
                                                     .start_socket = STDIN_FILENO});
    if (failed.happened()) return 1;
    printf("ready %d\n", host.pid());
    fflush(stdout);
    if (strcmp(argv[1], "wait") == 0) pause();
  }
  printf("%s\n", waitpid(-1, nullptr, 0) < 0 ? "no child" : "a child");
  return 0;
}
