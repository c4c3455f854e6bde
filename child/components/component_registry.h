// The components of one process: made when they are first asked for, or all at once.
//
//     ComponentRegistry components(table, {.type = context.type,
//                                          .prefs = &live_prefs,
//                                          .sandbox = &context.sandbox});
//     absl::Status made = components.InitialiseAll();           // if they are to be there early
//     absl::StatusOr<TextDecoder*> decoder = components.Get<TextDecoder>("decoder.text");
//     ...
//     components.CleanUp();                                     // the last that was made first
//
// A process can use what the table lets its type use. That keeps the program honest, not an
// attacker out: whoever has taken a process over has its memory. What is to be safe from a process
// is not in it; what is here says which code a process of a type is meant to run.
//
// Ownership: owns the components; a pointer from Get is good until CleanUp. The table, the prefs
// and the report must outlive it. Threads: one. After a fork: to be made in the child, and not
// used in a child of the process.
#ifndef CHILD_COMPONENTS_COMPONENT_REGISTRY_H_
#define CHILD_COMPONENTS_COMPONENT_REGISTRY_H_

#include <stdint.h>

#include <memory>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/components/component.h"
#include "child/components/component_table.h"
#include "child/process_type.h"

namespace forkserver {

class LivePrefs;
struct SandboxReport;

// What a component can be made of, beside other components. Null: the process has none.
struct ComponentContext {
  ProcessType type = ProcessType::kParent;
  LivePrefs* prefs = nullptr;              // of the process
  const SandboxReport* sandbox = nullptr;  // of the process
};

class ComponentRegistry {
 public:
  ComponentRegistry(const ComponentTable& table, ComponentContext context);
  ComponentRegistry(const ComponentRegistry&) = delete;
  ComponentRegistry& operator=(const ComponentRegistry&) = delete;
  ~ComponentRegistry() { CleanUp(); }

  const ComponentContext& context() const { return context_; }

  // The process's component of that name, which is made if it is not there yet. Never null.
  // NotFound: the table has none. PermissionDenied: it is not for this type of process
  // ("component 'decoder.png' is not for content processes"). InvalidArgument: it is no T.
  // FailedPrecondition: it is asked for by its own factory, or after CleanUp. Else what its factory
  // fails with; the next Get tries again.
  template <typename T>
  absl::StatusOr<T*> Get(std::string_view name) {
    absl::StatusOr<Component*> component = GetAny(name);
    if (!component.ok()) return component.status();
    if (T* wanted = dynamic_cast<T*>(*component)) return wanted;
    return IsOfAnotherClass(name, **component, typeid(T));
  }

  // Makes all that this type may use and that are not there yet, in the order of the table. Stops
  // at the first that fails; what was made stays.
  absl::Status InitialiseAll();

  // Cleans up and destroys all, the last that was made first: a component outlives those that were
  // made of it. Once; a component may Get others meanwhile that are still there.
  void CleanUp();

 private:
  enum class State : uint8_t { kOpen, kCleanedUp };

  struct Made {
    const ComponentRow* row = nullptr;
    std::unique_ptr<Component> component = {};
  };

  absl::StatusOr<Component*> GetAny(std::string_view name);
  absl::StatusOr<Component*> Make(const ComponentRow& row);
  static absl::Status IsOfAnotherClass(std::string_view name, const Component& component,
                                       const std::type_info& wanted);

  const ComponentTable& table_;
  const ComponentContext context_;
  State state_ = State::kOpen;
  std::vector<Made> made_;                       // in the order in which they were finished
  std::vector<const ComponentRow*> being_made_;  // each by the factory of the one before it
};

}  // namespace forkserver

#endif  // CHILD_COMPONENTS_COMPONENT_REGISTRY_H_
