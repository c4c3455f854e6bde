#include "tests/forkserver/model/actor_cases.h"

#include <utility>

namespace forkserver::testing {
namespace {

const ActorCase* Find(std::string_view name) {
  for (const auto& cases : {MessageCases(), EndCases(), BadEndCases()}) {
    for (const ActorCase& one : cases) {
      if (one.name == name) return &one;
    }
  }
  ADD_FAILURE() << "there is no case '" << name << "'";
  return nullptr;
}

}  // namespace

void RunActorCase(std::string_view name, Endpoint<Line, Side::kParent> end) {
  ParentLine line(std::move(end));
  if (const ActorCase* const one = Find(name)) one->parent_side(line);
}

void RunActorCase(std::string_view name, Endpoint<Line, Side::kChild> end) {
  ChildLine line(std::move(end));
  if (const ActorCase* const one = Find(name)) one->child_side(line);
}

}  // namespace forkserver::testing
