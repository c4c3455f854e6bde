#include "child/components/component_registry.h"

#include <cxxabi.h>
#include <stdlib.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

std::string ClassName(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), free);
  return name != nullptr ? name.get() : type.name();
}

}  // namespace

FORKSERVER_LAUNCH_PATH ComponentRegistry::ComponentRegistry(const ComponentTable& table,
                                                            ComponentContext context)
    : table_(table), context_(context) {}

absl::StatusOr<Component*> ComponentRegistry::GetAny(std::string_view name) {
  const ComponentRow* const row = table_.Find(name);
  if (row == nullptr) {
    return absl::NotFoundError(absl::StrFormat("there is no component '%s'", name));
  }
  if (!row->users.contains(context_.type)) {
    return absl::PermissionDeniedError(absl::StrFormat("component '%s' is not for %s processes",
                                                       name, ProcessTypeName(context_.type)));
  }
  for (const Made& made : made_) {
    if (made.row == row) return made.component.get();
  }
  return Make(*row);
}

absl::StatusOr<Component*> ComponentRegistry::Make(const ComponentRow& row) {
  if (state_ != State::kOpen) {
    return absl::FailedPreconditionError(
        absl::StrFormat("component '%s': components were cleaned up", row.name));
  }
  if (std::find(being_made_.begin(), being_made_.end(), &row) != being_made_.end()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("component '%s' is being made, and component '%s' needs it for that",
                        row.name, being_made_.back()->name));
  }
  being_made_.push_back(&row);
  absl::StatusOr<std::unique_ptr<Component>> component = row.make(*this);
  being_made_.pop_back();
  if (!component.ok()) {
    return absl::Status(
        component.status().code(),
        absl::StrFormat("component '%s': %s", row.name, std::string(component.status().message())));
  }
  if (*component == nullptr) {
    return absl::InternalError(absl::StrFormat("component '%s': its factory made none", row.name));
  }
  made_.push_back({.row = &row, .component = *std::move(component)});
  return made_.back().component.get();
}

absl::Status ComponentRegistry::IsOfAnotherClass(std::string_view name, const Component& component,
                                                 const std::type_info& wanted) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "component '%s' is a %s, not a %s", name, ClassName(typeid(component)), ClassName(wanted)));
}

FORKSERVER_LAUNCH_PATH absl::Status ComponentRegistry::InitialiseAll() {
  for (const ComponentRow& row : table_.rows()) {
    if (!row.users.contains(context_.type)) continue;
    if (absl::StatusOr<Component*> component = GetAny(row.name); !component.ok()) {
      return component.status();
    }
  }
  return absl::OkStatus();
}

void ComponentRegistry::CleanUp() {
  if (state_ != State::kOpen) return;
  state_ = State::kCleanedUp;  // from here on nothing more is made
  while (!made_.empty()) {
    made_.back().component->CleanUp();
    made_.pop_back();
  }
}

}  // namespace forkserver
