// What the fork server is put through, with one call failing somewhere on the way.
#ifndef TESTS_FAULTS_SCENARIOS_H_
#define TESTS_FAULTS_SCENARIOS_H_

#include <string_view>

#include "forkserver/host/fork_server.h"
#include "tests/faults/round.h"

namespace forkserver::testing {

struct Scenario {
  const char* name;
  StartOptions (*options)();
  // With the server that was started; each step is noted.
  void (*run)(ForkServer& server, Round& round);
  // Has the server come to a steady state, in which a launch leaves every template as it was. Null:
  // calls are seen and fail from the start on. Else from here on, and then each template that
  // lives on must have the descriptors and mappings afterwards that it has now.
  void (*prepare)(ForkServer& server, Round& round) = nullptr;
  // A call that this machine is made to lack: the name of its one row, "" for none.
  const char* lacks = "";
  int error = 0;
  // Whether the host has records of births (child/birth_record.h).
  bool records_births = true;
  // Whether each place fails in all the ways of its row, and not in turn in one of them.
  bool all_errors = false;
};

extern const Scenario kScenarios[];
extern const int kScenarioCount;

const Scenario* FindScenario(std::string_view name);

// A launch without anything from each template that was ever started, and its end: by a fork, as
// nothing but the template itself can do it.
absl::Status LaunchFromAll(ForkServer& server);

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_SCENARIOS_H_
