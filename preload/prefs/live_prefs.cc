#include "preload/prefs/live_prefs.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/launch_path.h"

namespace forkserver {

LivePrefs::LivePrefs(PrefsMap launch)
    : present_(std::make_shared<const PrefsMap>(std::move(launch))) {}

// Without an owner: the pointer is all that is shared.
FORKSERVER_LAUNCH_PATH LivePrefs::LivePrefs(const PrefsMap* launch)
    : present_(launch != nullptr ? std::shared_ptr<const PrefsMap>(std::shared_ptr<void>(), launch)
                                 : std::make_shared<const PrefsMap>()) {}

absl::Status LivePrefs::Swap(int memfd) {
  PrefsMap map;
  if (const int error = PrefsMap::Attach(memfd, map); error != 0) {
    return ErrnoStatus(error, "attach generation of prefs");
  }
  const auto next = std::make_shared<const PrefsMap>(std::move(map));
  const std::shared_ptr<const PrefsMap> before = Snapshot();
  if (next->generation() <= before->generation()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("attach generation of prefs: %d is not newer than %d", next->generation(),
                        before->generation()));
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    present_ = next;
  }
  observers_.Notify(*before, *next);
  return absl::OkStatus();
}

std::shared_ptr<const PrefsMap> LivePrefs::Snapshot() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return present_;
}

bool LivePrefs::GetBool(std::string_view name, bool fallback) const {
  return Snapshot()->GetBool(name, fallback);
}

int32_t LivePrefs::GetInt(std::string_view name, int32_t fallback) const {
  return Snapshot()->GetInt(name, fallback);
}

std::string LivePrefs::GetString(std::string_view name, std::string_view fallback) const {
  const std::shared_ptr<const PrefsMap> snapshot = Snapshot();
  return std::string(snapshot->GetString(name, fallback));
}

}  // namespace forkserver
