// Whether this process has one thread, and if not, which one is too many.
//
//     absl::Status single = CheckSingleThreaded();
//     // "thread 'pool-worker' (tid 412) runs beside the calling one"
//
// fork copies one thread only. Whatever another thread held at that moment, malloc's lock first
// of all, stays locked in the child for ever; with another thread in the host, 200 of 200
// children hung in malloc. So the check comes before the first fork and after the warm-ups.
#ifndef PRELOAD_SINGLE_THREAD_H_
#define PRELOAD_SINGLE_THREAD_H_

#include "absl/status/status.h"
#include "preload/own_proc.h"

namespace forkserver {

// FailedPrecondition names the first thread, by name and tid, that is not the caller's. Another
// error says that /proc/self/task could not be read, in which case nothing is known; where it is
// not there the kernel is asked by unshare(2), which knows no names. `proc_self`: see own_proc.h.
absl::Status CheckSingleThreaded(int proc_self = kProcByName);

}  // namespace forkserver

#endif  // PRELOAD_SINGLE_THREAD_H_
