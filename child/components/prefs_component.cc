#include "child/components/prefs_component.h"

#include "child/components/component_registry.h"
#include "child/process_types.h"

namespace forkserver {

ComponentRow PrefsComponent::Row() {
  return {.name = std::string(kName),
          .users = kLaunchableProcessTypes | ProcessTypeSet({ProcessType::kParent}),
          .make = [](ComponentRegistry& registry) -> absl::StatusOr<std::unique_ptr<Component>> {
            LivePrefs* const prefs = registry.context().prefs;
            if (prefs == nullptr) return absl::FailedPreconditionError("the process has no prefs");
            return std::make_unique<PrefsComponent>(*prefs);
          }};
}

}  // namespace forkserver
