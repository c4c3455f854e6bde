// A program's bootstrap mode: the program that a user starts is a small one, which starts the real
// one, watches over its start-up, and is otherwise not noticed.
//
//     #include "forkserver/launcher/run_launcher.h"
//
//     int main(int argc, char** argv) {
//       return forkserver::RunLauncher(argc, argv, {.host = "browser_host"});
//     }
//
// It links libc and nothing else, so that none of the browser's libraries are loaded before it is
// known what to start; the host loads them, and starts its templates, as without a launcher:
// ForkServer::Start stays the first statement of the host's main.
//
// What it does:
//   - forks the host suspended, sets its attributes (host_attributes.h), resumes it;
//   - a host that dies during its start-up is started again, and the third time in safe mode, with
//     FORKSERVER_SAFE_MODE=1 in its environment. Start-up is over when the host says so
//     (host_start.h), or after a time. Which deaths count: start_record.h. Each is one line on
//     stderr: "browser: browser_host died of SIGSEGV during its start (attempt 1 of 3): starting it
//     again". If the third one dies too, that is passed through;
//   - ends as the host does: same exit code, or death by the same signal (end_like.h).
//
// What whoever starts it sees:
//   - arguments, environment (but for FORKSERVER_START_SOCKET), working directory, signal mask,
//     ignored signals and all descriptors are the host's as they were given, closed ones among 0 to
//     2 included. Once the start is over the launcher has none of them open itself, so that the
//     reader of a pipe sees the host close it;
//   - a signal that is sent to the launcher is passed to the host, once, with its value; one for
//     the whole group, as the terminal's are, the host has already (group_witness.h). SIGCHLD is
//     not passed on. Under systemd: KillMode=mixed, since it signals one process after the other;
//   - SIGKILL to the launcher kills the host. Its children end with it, as ever;
//   - when the host stops by Ctrl-Z, so does the launcher, and the shell's `fg` and `bg` continue
//     both. SIGSTOP cannot be caught: sent to the launcher alone, it stops that alone. A host that
//     somebody else stops with SIGSTOP is left to them.
//
// Two things differ, and `--no-supervise` is for those to whom they matter: getppid() is the
// launcher, and the pid that was started is not the host's (sd_listen_fds(3) compares it). With
// --no-supervise as the first argument, which the host does not see, the launcher sets the
// attributes of its own process and execs the host: same pid, nothing remains, no second attempt,
// and no death with a launcher.
//
// Errors: one line on stderr, "browser: execve /opt/browser/browser_host: ENOENT", and 127 where
// the program is not there, 126 for all else that fails before it runs, as shells have it.
//
// Threads: the process must have one. Signals: takes all of them over; does not give them back.
#ifndef FORKSERVER_LAUNCHER_RUN_LAUNCHER_H_
#define FORKSERVER_LAUNCHER_RUN_LAUNCHER_H_

#include <stdint.h>

#include <initializer_list>

#include "forkserver/launcher/host_attributes.h"
#include "forkserver/launcher/host_environment.h"

namespace forkserver {

enum class Supervision : uint8_t {
  kUnlessAskedNotTo,  // --no-supervise as the first argument
  kAlways,            // that argument is the host's
  kNever,
};

inline constexpr int kDefaultStartMillis = 10'000;

struct LauncherOptions {
  // A path, if there is a '/' in it; else the name of a program in the launcher's own folder.
  const char* host = nullptr;
  Supervision supervision = Supervision::kUnlessAskedNotTo;
  HostAttributes attributes = {};
  std::initializer_list<EnvironmentChange> environment = {};
  // A host that has not said that its start-up is over has started by then.
  int start_millis = kDefaultStartMillis;
};

// The first statement of main. What it returns is the exit code; it does not return where the host
// is exec'ed, or was killed by a signal.
int RunLauncher(int argc, char** argv, const LauncherOptions& options);

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_RUN_LAUNCHER_H_
