// The actors' tests that take two processes. Each is a pair of functions, for the two ends of a
// line; which processes run them is the caller's affair (ipc_unit_test.cc).
#ifndef TESTS_FORKSERVER_MODEL_ACTOR_CASES_H_
#define TESTS_FORKSERVER_MODEL_ACTOR_CASES_H_

#include <span>
#include <string_view>

#include "tests/forkserver/model/line.h"

namespace forkserver::testing {

struct ActorCase {
  std::string_view name;
  void (*parent_side)(ParentLine& line);
  void (*child_side)(ChildLine& line);
};

// What arrives, and in which order.
std::span<const ActorCase> MessageCases();
// How a conversation ends, and what is lost by that.
std::span<const ActorCase> EndCases();
// Those whose child's side ends its process, or breaks the protocol.
std::span<const ActorCase> BadEndCases();

inline constexpr std::string_view kExitCase = "ExitIsAnAbnormalEnd";
inline constexpr std::string_view kBreachCase = "BreachIsToldAndEndsTheActor";

// Runs one side of the case of that name. One that is not there is a failure.
void RunActorCase(std::string_view name, Endpoint<Line, Side::kParent> end);
void RunActorCase(std::string_view name, Endpoint<Line, Side::kChild> end);

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_MODEL_ACTOR_CASES_H_
