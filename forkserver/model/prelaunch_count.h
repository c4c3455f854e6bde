// How many blank content processes wait ahead.
//
//     int32_t wanted = PrelaunchCount(prefs, *ReadTotalMemory());
//
// The pref's number; but 1 without isolation, where every blank becomes a `web` process of which
// few are needed, and 1 on a machine with little memory: up to dom.ipc.processPrelaunch.lowmem_mb,
// 4096 MiB, both as in Gecko (dom/ipc/PreallocatedProcessManager.cpp). A pref of 0 stays 0. That
// there are none under memory pressure is the pool's to see to (forkserver/host/blank_pool.h).
//
// Pure, any thread.
#ifndef FORKSERVER_MODEL_PRELAUNCH_COUNT_H_
#define FORKSERVER_MODEL_PRELAUNCH_COUNT_H_

#include <stdint.h>

#include "forkserver/model/model_prefs.h"

namespace forkserver {

// `memory_bytes`: the machine's; 0: not known, which counts as enough.
int32_t PrelaunchCount(const ModelPrefs& prefs, uint64_t memory_bytes);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PRELAUNCH_COUNT_H_
