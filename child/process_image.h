// What a child must know of the program image that it was forked or exec'ed from.
//
// Taken once at the first statement of main, before anything changes; constant from then on and
// inherited by every fork.
#ifndef CHILD_PROCESS_IMAGE_H_
#define CHILD_PROCESS_IMAGE_H_

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "preload/refresh/process_secrets.h"
#include "preload/thread_block.h"
#include "transceiver/launch_clock.h"

namespace forkserver {

struct ProcessImage {
  // The bytes behind /proc/PID/cmdline: main's argv and environment strings, which the kernel
  // laid out in one run. A title is written over them.
  std::span<char> title_room;
  // Of every loaded object; see forkserver/server/build_id.h.
  uint64_t build_id = 0;
  ThreadBlock thread_block = {};
  ProcessSecrets secrets = {};
  LaunchClock clock = {};
};

// The run of argv strings, and environment strings behind them, as far as it has no gap.
std::span<char> FindTitleRoom(int argc, char** argv, char** environment);

// Copies the environment's strings to the heap, so that a title may be written over the ones
// that the kernel laid out. Allocates: for templates and exec'ed processes, before their first
// child. Pointers that getenv gave out before keep pointing at the old strings.
void MoveEnvironmentToHeap();

}  // namespace forkserver

#endif  // CHILD_PROCESS_IMAGE_H_
