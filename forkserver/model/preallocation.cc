#include "forkserver/model/preallocation.h"

#include <set>
#include <string_view>

#include "forkserver/model/prelaunch_count.h"
#include "forkserver/model/remote_type.h"

namespace forkserver {

Preallocation::Preallocation(ParentProcess& parent, uint64_t memory_bytes)
    : parent_(parent), memory_bytes_(memory_bytes) {
  // Of a template that is not there anybody would have heard at the first Apply.
  observer_ = parent.ObservePrefs([this](const ModelPrefs&) { Apply().IgnoreError(); });
}

int Preallocation::count() const { return PrelaunchCount(parent_.prefs(), memory_bytes_); }

absl::Status Preallocation::Apply() {
  const bool by_exec = parent_.prefs().launch_by == LaunchBy::kExec;
  const auto blanks = static_cast<uint8_t>(by_exec ? 0 : count());
  std::set<std::string_view> templates;
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    if (row.from_blank == FromBlank::kMay) templates.insert(row.template_name);
  }
  for (const std::string_view name : templates) {
    absl::Status set = parent_.server().SetPool(name, {.min = blanks, .max = blanks});
    if (!set.ok()) return set;
  }
  return absl::OkStatus();
}

}  // namespace forkserver
