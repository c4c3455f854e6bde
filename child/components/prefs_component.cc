#include "child/components/prefs_component.h"

#include "child/components/component_registry.h"
#include "child/process_types.h"

namespace forkserver {

ComponentRow PrefsComponent::Row() {
  return {.name = std::string(kName),
          .users = kLaunchableProcessTypes | ProcessTypeSet({ProcessType::kParent}),
          .make = [](ComponentRegistry& registry) {
            return std::make_unique<PrefsComponent>(registry.context().prefs);
          }};
}

}  // namespace forkserver
