// Which children a debugger is wanted for, as the environment of the host says (docs/debugging.md).
//
//     FORKSERVER_DEBUG_CHILD_PROCESS=1 program             all children, 30 seconds
//     FORKSERVER_DEBUG_CHILD_PAUSE=60 program              all children, 60 seconds
//     FORKSERVER_DEBUG_CHILD_PAUSE=5:content program       those of type content
//     FORKSERVER_DEBUG_CHILD_PAUSE=0:gpu program           gpu, for whoever has a debugger already
//
// A child of such a type is launched by exec, whatever its LaunchWay says, as a fork(2) that a
// debugger follows; it says its pid on stderr and waits before its program is made
// (child/debug_pause.h). Nothing that takes time ends it or counts against it: its launch has no
// timeout, and while a debugger has it (IsTraced) the model has no deadline for its end. Nor is a
// template that is silent taken for dead meanwhile, since a debugger may hold it. No pool is kept
// for what is launched by exec, and where all types of a program are debugged, none of its
// templates is started (safe mode).
//
// A value that is none is told on stderr, in one line, and counts as not set. PROCESS=0 is off,
// whatever PAUSE says.
#ifndef FORKSERVER_HOST_CHILD_DEBUGGING_H_
#define FORKSERVER_HOST_CHILD_DEBUGGING_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "child/process_type_set.h"

namespace forkserver {

struct ChildDebugging {
  ProcessTypeSet types = {};  // empty: nothing is debugged
  uint32_t pause_seconds = 30;

  bool is_on() const { return !types.empty(); }
  bool Covers(ProcessType type) const { return types.contains(type); }
};

// Of the two variables' values; null: it is not set. What is wrong is added to `errors`, a line
// each without its end. Pure.
ChildDebugging ParseChildDebugging(const char* process, const char* pause,
                                   std::vector<std::string>& errors);

// Whether somebody traces the process (proc(5), TracerPid), which must not have been reaped. False
// where /proc does not say.
bool IsTraced(pid_t pid);

// Of the environment; errors go to stderr.
ChildDebugging ReadChildDebugging();

}  // namespace forkserver

#endif  // FORKSERVER_HOST_CHILD_DEBUGGING_H_
