// Which components a program has, and which types of process may use each. Made by main, before the
// first fork, as ChildPrograms is; constant from then on.
//
//     absl::StatusOr<ComponentTable> table = ComponentTable::Create({
//         {.name = "decoder.text",
//          .users = {ProcessType::kContent, ProcessType::kDataDecoder},
//          .make = MakeComponent<TextDecoder>()},
//     });
//
// A row without `users` is for nobody: who may use a component is written down, never left out.
//
// Ownership: a value. Threads: any number may read. After a fork: the child has it as it was.
#ifndef CHILD_COMPONENTS_COMPONENT_TABLE_H_
#define CHILD_COMPONENTS_COMPONENT_TABLE_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "child/components/component.h"
#include "child/process_type_set.h"

namespace forkserver {

class ComponentRegistry;

// Makes the process's one. It may Get what it needs of `registry`, and learn of the process there.
using ComponentFactory =
    std::function<absl::StatusOr<std::unique_ptr<Component>>(ComponentRegistry& registry)>;

struct ComponentRow {
  std::string name = {};
  ProcessTypeSet users = {};  // none
  ComponentFactory make = {};
};

class ComponentTable {
 public:
  ComponentTable() = default;

  // InvalidArgument: a name that is empty or taken; a row without a factory.
  static absl::StatusOr<ComponentTable> Create(std::vector<ComponentRow> rows);

  // In the order in which they were given.
  std::span<const ComponentRow> rows() const { return rows_; }
  // Null: there is none of that name.
  const ComponentRow* Find(std::string_view name) const;

 private:
  std::vector<ComponentRow> rows_;
};

// The factory of a component that needs nothing.
template <typename T>
ComponentFactory MakeComponent() {
  return [](ComponentRegistry&) { return std::make_unique<T>(); };
}

}  // namespace forkserver

#endif  // CHILD_COMPONENTS_COMPONENT_TABLE_H_
