#include "forkserver/launcher/run_launcher.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "forkserver/launcher/end_like.h"
#include "forkserver/launcher/error_line.h"
#include "forkserver/launcher/host_start.h"
#include "forkserver/launcher/host_watch.h"
#include "forkserver/launcher/own_descriptor.h"
#include "forkserver/launcher/start_record.h"
#include "forkserver/launcher/suspended_host.h"

namespace forkserver {
namespace {

constexpr char kNoSupervise[] = "--no-supervise";
constexpr char kSafeModeVariable[] = "FORKSERVER_SAFE_MODE";
// FORKSERVER_START_SOCKET and FORKSERVER_SAFE_MODE.
constexpr size_t kOwnChanges = 2;

constexpr int kExitNotFound = 127;
constexpr int kExitFailed = 126;

struct Host {
  const char* launcher_name = "launcher";
  char path[PATH_MAX] = {};
  char** argv = nullptr;
};

const char* LastPart(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

int Complain(const Host& host, const FailedCall& failed) {
  // Only an exec's object is not the call's own.
  const bool is_exec = strcmp(failed.call, "execve") == 0;
  PrintLine("%s: %s%s%s: %s", host.launcher_name, failed.call, is_exec ? " " : "",
            is_exec ? host.path : "", NameOfErrno(failed.error));
  return is_exec && (failed.error == ENOENT || failed.error == ENOTDIR) ? kExitNotFound
                                                                        : kExitFailed;
}

FailedCall FindHost(const char* name, char (&path)[PATH_MAX]) {
  constexpr FailedCall kTooLong = {.call = "the host's path", .error = ENAMETOOLONG};
  char own[PATH_MAX];
  size_t folder = 0;
  if (strchr(name, '/') == nullptr) {
    const ssize_t size = readlink("/proc/self/exe", own, sizeof(own));
    if (size == sizeof(own)) return kTooLong;
    if (size >= 0) {
      own[size] = '\0';
    } else {
      // Without a /proc: the path that was exec'ed.
      const char* executed = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
      if (executed == nullptr) return {.call = "readlink /proc/self/exe", .error = errno};
      if (strlen(executed) >= sizeof(own)) return kTooLong;
      strcpy(own, executed);
    }
    folder = static_cast<size_t>(LastPart(own) - own);
  }
  if (folder + strlen(name) >= sizeof(path)) return kTooLong;
  memcpy(path, own, folder);
  strcpy(path + folder, name);
  return {};
}

FailedCall MakeEnvironment(const LauncherOptions& options, HostEnvironment& environment) {
  bool made = environment.Begin(environ, options.environment.size() + kOwnChanges);
  for (const EnvironmentChange& change : options.environment) {
    made = made && environment.Change(change);
  }
  return made ? FailedCall{} : FailedCall{.call = "the host's environment", .error = ENOMEM};
}

struct StartSocket {
  UniqueFd ours;
  UniqueFd hosts;
};

FailedCall MakeStartSocket(StartSocket& socket, HostEnvironment& environment) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return {.call = "socketpair", .error = errno};
  }
  socket.ours.reset(ends[0]);
  socket.hosts.reset(ends[1]);
  if (!MoveOutOfTheWay(socket.hosts) || !MoveOutOfTheWay(socket.ours)) {
    return {.call = "fcntl F_DUPFD_CLOEXEC", .error = errno};
  }
  struct stat status;
  if (fstat(socket.hosts.get(), &status) != 0) return {.call = "fstat", .error = errno};
  char text[64];
  snprintf(text, sizeof(text), "%d:%lu", socket.hosts.get(),
           static_cast<unsigned long>(status.st_ino));
  if (!environment.Set(kStartSocketVariable, text)) {
    return {.call = "the host's environment", .error = ENOMEM};
  }
  return {};
}

// One attempt, to the host's end.
HostEnd StartOnce(const Host& host, const LauncherOptions& options, NextStart how,
                  HostWatch& watch) {
  const auto failure = [](const FailedCall& failed) {
    return HostEnd{.kind = HostEnd::Kind::kNotStarted, .failed = failed};
  };
  HostEnvironment environment;
  if (const FailedCall failed = MakeEnvironment(options, environment); failed.happened()) {
    return failure(failed);
  }
  if (how == NextStart::kInSafeMode && !environment.Set(kSafeModeVariable, "1")) {
    return failure({.call = "the host's environment", .error = ENOMEM});
  }
  StartSocket start_socket;
  if (const FailedCall failed = MakeStartSocket(start_socket, environment); failed.happened()) {
    return failure(failed);
  }
  SuspendedHost process;
  if (const FailedCall failed = process.Fork({.path = host.path,
                                              .argv = host.argv,
                                              .environment = environment.pointers(),
                                              .signal_mask = &watch.signal_mask(),
                                              .sigchld = &watch.sigchld(),
                                              .start_socket = start_socket.hosts.get()});
      failed.happened()) {
    return failure(failed);
  }
  start_socket.hosts.reset();
  if (const FailedCall failed = SetHostAttributes(process.pid(), options.attributes);
      failed.happened()) {
    return failure(failed);
  }
  return watch.ResumeAndWatch(process, std::move(start_socket.ours), options.start_millis);
}

void PrintDeath(const Host& host, int signal, int attempt, NextStart next) {
  const char* what_next = attempt == kMostStarts ? "" : ": starting it again";
  if (next == NextStart::kInSafeMode) what_next = ": starting it in safe mode";
  const char* name = sigabbrev_np(signal);
  PrintLine("%s: %s died of SIG%s during its start (attempt %d of %d%s)%s", host.launcher_name,
            LastPart(host.path), name != nullptr ? name : "?", attempt, kMostStarts,
            attempt == kMostStarts ? ", in safe mode" : "", what_next);
}

HostEnd Supervise(const Host& host, const LauncherOptions& options) {
  HostWatch watch;
  if (const FailedCall failed = watch.Begin(); failed.happened()) {
    return {.kind = HostEnd::Kind::kNotStarted, .failed = failed};
  }
  StartRecord record;
  for (NextStart how = NextStart::kAgain;;) {
    const HostEnd end = StartOnce(host, options, how, watch);
    if (end.kind != HostEnd::Kind::kKilled || !end.during_start || end.asked_for) return end;
    if (!IsDeathByFault(end.code)) return end;
    const int attempt = record.attempt();
    how = record.AfterDeath(end.code);
    PrintDeath(host, end.code, attempt, how);
    if (how == NextStart::kNone) return end;
  }
}

FailedCall BecomeHost(const Host& host, const LauncherOptions& options) {
  HostEnvironment environment;
  if (const FailedCall failed = MakeEnvironment(options, environment); failed.happened()) {
    return failed;
  }
  if (const FailedCall failed = SetHostAttributes(getpid(), options.attributes);
      failed.happened()) {
    return failed;
  }
  execve(host.path, host.argv, environment.pointers());
  return {.call = "execve", .error = errno};
}

}  // namespace

int RunLauncher(int argc, char** argv, const LauncherOptions& options) {
  Host host;
  if (argc > 0) host.launcher_name = LastPart(argv[0]);
  if (const FailedCall failed = FindHost(options.host, host.path); failed.happened()) {
    return Complain(host, failed);
  }
  int arguments = argc > 0 ? 1 : 0;
  bool supervise = options.supervision != Supervision::kNever;
  if (options.supervision == Supervision::kUnlessAskedNotTo && argc > 1 &&
      strcmp(argv[1], kNoSupervise) == 0) {
    supervise = false;
    ++arguments;
  }
  // The launcher's own, with the host's path in place of what is not passed on. A program that was
  // exec'ed without arguments passes none on.
  char* no_arguments[] = {nullptr, nullptr};
  host.argv = arguments > 0 ? argv + arguments - 1 : no_arguments;
  host.argv[0] = host.path;
  if (!supervise) return Complain(host, BecomeHost(host, options));
  const HostEnd end = Supervise(host, options);
  switch (end.kind) {
    case HostEnd::Kind::kExited:
      return end.code;
    case HostEnd::Kind::kKilled:
      DieOf(end.code);
    case HostEnd::Kind::kNotStarted:
      break;
  }
  return Complain(host, end.failed);
}

}  // namespace forkserver
