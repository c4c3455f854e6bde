// The process's prefs as a component: LivePrefs by its name.
//
//     auto prefs = components.Get<PrefsComponent>(PrefsComponent::kName);
//     (*prefs)->live().GetBool("fission.autostart", true);
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

  // Borrowed.
  explicit PrefsComponent(LivePrefs& live) : live_(live) {}

  LivePrefs& live() const { return live_; }

 private:
  LivePrefs& live_;
};

}  // namespace forkserver

#endif  // CHILD_COMPONENTS_PREFS_COMPONENT_H_
