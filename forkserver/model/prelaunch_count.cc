#include "forkserver/model/prelaunch_count.h"

#include <algorithm>

namespace forkserver {

int32_t PrelaunchCount(const ModelPrefs& prefs, uint64_t memory_bytes) {
  const bool small = memory_bytes != 0 && memory_bytes <= prefs.low_memory_bytes;
  if (small || prefs.isolation == SiteIsolation::kOff) return std::min(prefs.prelaunch, 1);
  return prefs.prelaunch;
}

}  // namespace forkserver
