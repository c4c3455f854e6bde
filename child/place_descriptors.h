// Gives a child exactly the descriptors that its Plan names, at the numbers that it names, and
// closes every other one. No allocation.
//
// Received descriptors arrive at whatever numbers were free, which may be the very numbers that
// others must go to. So those that are in the way step aside first, then each is duplicated to
// its target, then the gaps between what is kept are closed with close_range(2).
//
// Not undone on failure: a child whose descriptors cannot be placed reports and exits.
#ifndef CHILD_PLACE_DESCRIPTORS_H_
#define CHILD_PLACE_DESCRIPTORS_H_

#include <stddef.h>

#include <span>

#include "child/launch_step.h"
#include "child/plan.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// `received` came with the Plan and is consumed. `launch_socket` is kept, and moved if its number
// is a target. Failures are of step kDescriptors with the entry's index:
//   EBADF   no descriptor of that index travelled, or the template has none of that number
//   EINVAL  the target was named before, or on_exec is no OnExec
//   others  as fcntl(2) and dup3(2) say; EBADF also for a target beyond RLIMIT_NOFILE
// of index kOtherDescriptors: as close_range(2) says of all that the Plan does not name;
// or of step kStdio, EBADF, where one of 0, 1 and 2 is not named: whoever opens a file next would
// get that number, and print into it.
// `scratch` has room for DescriptorScratch numbers; what is in it afterwards is of no use.
StepFailure PlaceDescriptors(const PlanSection& planned, DescriptorList& received,
                             UniqueFd& launch_socket, std::span<int> scratch);

inline size_t DescriptorScratch(size_t planned, size_t received) {
  return planned + 1 + received;  // 1: the launch socket
}

}  // namespace forkserver

#endif  // CHILD_PLACE_DESCRIPTORS_H_
