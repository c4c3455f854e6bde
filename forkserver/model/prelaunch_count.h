// How many blank content processes wait ahead, and how many of them to launch now.
//
//     int32_t wanted = PrelaunchCount(prefs, {.total_bytes = *ReadTotalMemory()});
//     int32_t now = BlanksToLaunch({.wanted = wanted, .waiting = 1, .immediate_launches = 0});
//
// The pref's number; but 1 without isolation, where every blank becomes a `web` process of which
// few are needed, and 1 on a machine with little memory: up to dom.ipc.processPrelaunch.lowmem_mb,
// 4096 MiB, both as in Gecko (dom/ipc/PreallocatedProcessManager.cpp). None under memory pressure:
// those that wait are to end. A pref of 0 stays 0.
//
// Pure, any thread.
#ifndef FORKSERVER_MODEL_PRELAUNCH_COUNT_H_
#define FORKSERVER_MODEL_PRELAUNCH_COUNT_H_

#include <stdint.h>

#include "forkserver/model/model_prefs.h"

namespace forkserver {

// forkserver/host/memory_pressure.h hears of it.
enum class MemoryIs : uint8_t { kPlenty, kUnderPressure };

struct MachineMemory {
  uint64_t total_bytes = 0;  // 0: not known, which counts as enough
  MemoryIs now = MemoryIs::kPlenty;
};

int32_t PrelaunchCount(const ModelPrefs& prefs, const MachineMemory& memory);

struct BlanksState {
  int32_t wanted = 0;              // PrelaunchCount
  int32_t waiting = 0;             // ready or on their way
  int32_t immediate_launches = 0;  // launches under way that somebody waits for
};

// None while immediate launches are under way: a blank that is for later must not slow down what is
// for now.
int32_t BlanksToLaunch(const BlanksState& state);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PRELAUNCH_COUNT_H_
