// A fresh process of this same program, by exec: for launches without a template, and for the
// first template of a host that has threads.
//
//     absl::StatusOr<SelfImage> self = SelfImage::Pin(argv[0]);        // early in main
//     absl::StatusOr<Process> process = SpawnSelf(*self, socket, "launch of content");  // later
//
// The program is exec'ed from a descriptor that was opened at the start, so that an update on
// disk cannot mix two builds. The process begins with the environment, working directory and stdio
// that the host had at its start, as a template's children do, and finds the numbers of its launch
// socket and its flight record in its only argument; Start recognizes it and never returns there.
//
// Until its exec the child runs in the host's memory, as vfork's does. But no child makes the host
// wait: one that is stopped before its exec (anybody may who may signal it), or whose program a
// slow disk has, is handed on after 50 ms as it is. What it uses of the host's memory is its own
// and is freed when it is done with it. Such a child's launch ends as that of any child that says
// nothing: it becomes Ready late, or fails at its deadline. If its exec fails after that, the
// launch hears that it has exited with status 127, and not of which call.
//
// To ptrace(2) such a child is a thread of the host's until its exec, and gdb loses its way there.
// Where a debugger is wanted it is a fork instead, with a copy of the host's memory (SpawnBy).
#ifndef FORKSERVER_HOST_SELF_EXEC_H_
#define FORKSERVER_HOST_SELF_EXEC_H_

#include <stdint.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/host/process.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

struct SelfImage {
  std::string name;        // argv[0]
  UniqueFd program;        // closed where it could not be opened, as without /proc
  int why_not_pinned = 0;  // its errno
  // Closed where this user may not search it: what is exec'ed then begins in the host's of the
  // moment.
  UniqueFd working_directory;
  std::array<UniqueFd, 3> stdio;
  std::vector<std::string> environment;

  static absl::StatusOr<SelfImage> Pin(const char* name);
};

enum class SpawnBy : uint8_t {
  kSharing,  // in the host's memory
  // A fork(2), which sends SIGCHLD from the beginning: for debuggers. Nobody waits for its exec, of
  // which the launch hears status 127 where that fails.
  kFork,
};

// `launch_socket` and `flight_record` are borrowed, and may be one of 0, 1 and 2; the record may be
// kNobodyKeepsRecords or kHasNoRecord. A failure is a LaunchFailure of step
// kSpawn, which names `what` and the call: "launch of content: spawn: execveat program: EACCES".
absl::StatusOr<Process> SpawnSelf(const SelfImage& self, int launch_socket, int flight_record,
                                  std::string_view what, SpawnBy by = SpawnBy::kSharing);

// The launch socket of a process that SpawnSelf started, from its arguments; -1 in a program that
// a user started.
int FindLaunchSocketArgument(int argc, char** argv);
// Its flight record, as SpawnSelf was given it.
int FindFlightRecordArgument(int argc, char** argv);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_SELF_EXEC_H_
