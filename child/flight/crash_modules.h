// What a process has loaded, asked in a crash handler: the dynamic linker's own list, without its
// lock and without believing it.
#ifndef CHILD_FLIGHT_CRASH_MODULES_H_
#define CHILD_FLIGHT_CRASH_MODULES_H_

#include "child/flight/crash_area.h"

namespace forkserver {

// Fills in `modules`, `module_count` and `modules_left_out`. Needs a handler that knows
// SkipFaultOfCopy. No allocation, no lock, no system call.
void RecordModules(CrashArea& area);

}  // namespace forkserver

#endif  // CHILD_FLIGHT_CRASH_MODULES_H_
