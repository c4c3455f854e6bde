#include "tests/deaths/death_host.h"

#include <string>

#include "tests/deaths/exec_holder.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"

namespace forkserver {

testing::Gate* testing::gate = nullptr;

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = PoolHost();
  setup.options.programs.push_back(ExecHolder::Program());
  setup.options.templates = {
      {.name = kPage,
       .warm_ups = {{"gate",
                     [] {
                       gate->Pass();
                       return absl::OkStatus();
                     }}},
       .pool = PoolBounds{.min = 0, .max = 3}},
      {.name = kBoxed,
       .warm_ups = {{"gate",
                     [] {
                       gate->Pass();
                       return absl::OkStatus();
                     }}},
       .sandbox = {.policy = SandboxPolicyId::kContent},
       .pool = PoolBounds{.min = 0, .max = 3}},
      {.name = kInner, .parent = kBoxed},
  };
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  setup.body_starts_broker = test == "Unreaped.HelloBehindTheEnd";
  if (test.starts_with("Stopped")) {
    setup.options.restart.longest_silence = kShort;
    setup.options.restart.longest_start = kShort;
  }
  // Open, also in a process that is exec'ed and has a gate that nobody else sees.
  setup.before_start = [] {
    gate = Gate::Map();
    gate->Open();
  };
  return setup;
}

}  // namespace forkserver
