// The process's prefs as a component: LivePrefs by its name.
//
//     absl::StatusOr<PrefsComponent*> prefs =
//     components.Get<PrefsComponent>(PrefsComponent::kName);
//     (*prefs)->live().GetBool("fission.autostart", true);
//
// It begins with the prefs of the launch; whoever receives a Prefs message swaps it.
#ifndef CHILD_COMPONENTS_PREFS_COMPONENT_H_
#define CHILD_COMPONENTS_PREFS_COMPONENT_H_

#include <string_view>

#include "child/components/component.h"
#include "child/components/component_table.h"
#include "preload/prefs/live_prefs.h"

namespace forkserver {

class PrefsComponent : public Component {
 public:
  static constexpr std::string_view kName = "prefs";

  // For all that are launched, and for the parent.
  static ComponentRow Row();

  // `launch` is borrowed; null: no prefs until the first swap.
  explicit PrefsComponent(const PrefsMap* launch) : live_(launch) {}

  LivePrefs& live() { return live_; }

 private:
  LivePrefs live_;
};

}  // namespace forkserver

#endif  // CHILD_COMPONENTS_PREFS_COMPONENT_H_
