#include "forkserver/model/prelaunch_count.h"

#include <algorithm>

namespace forkserver {

int32_t PrelaunchCount(const ModelPrefs& prefs, const MachineMemory& memory) {
  if (memory.now == MemoryIs::kUnderPressure) return 0;
  const bool small = memory.total_bytes != 0 && memory.total_bytes <= prefs.low_memory_bytes;
  if (small || prefs.isolation == SiteIsolation::kOff) return std::min(prefs.prelaunch, 1);
  return prefs.prelaunch;
}

int32_t BlanksToLaunch(const BlanksState& state) {
  if (state.immediate_launches > 0) return 0;
  return std::max(state.wanted - state.waiting, 0);
}

}  // namespace forkserver
