#include "tests/faults/scenario_hosts.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include "forkserver/model/process_templates.h"
#include "tests/faults/model_scenario.h"
#include "tests/faults/scenario_folder.h"
#include "tests/faults/seam.h"
#include "tests/faults/victim_program.h"

namespace forkserver::testing {
namespace {

absl::Status BecomeATemplate() {
  SetRole(Role::kTemplate);
  return absl::OkStatus();
}

// The first process that a sandboxed template forks is the init of its namespace.
absl::Status BecomeASandboxedTemplate() {
  SetRole(Role::kTemplate);
  SetRoleOfNextChild(Role::kInit);
  return absl::OkStatus();
}

TemplateOptions Sandboxed(ProcessType type) {
  return {.name = "sandboxed",
          .types = {type},
          .warm_ups = {{"role", BecomeASandboxedTemplate}},
          .sandbox = {.policy = SandboxPolicyId::kFileContent,
                      .files = {{.path = Folder(),
                                 .reach = FileReach::kBeneath,
                                 .rights = kMayRead | kMayWrite | kMayCreate | kMayRemove |
                                           kMayConnect}}},
          .pool = PoolBounds{.min = 0, .max = 0}};
}

}  // namespace

StartOptions Options() {
  return {.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<VictimProgram>},
                       {ProcessType::kUtility, MakeChildProgram<VictimProgram>},
                       {ProcessType::kContent, MakeChildProgram<VictimProgram>}},
          .warm_ups = {{"some memory", [] { return absl::OkStatus(); }}},
          .restart = {.first_delay = absl::Milliseconds(1)},
          .event_loop = EventLoop::Backend::kEpoll,
          .under_memory_pressure = UnderPressure::kKeepPools};
}

StartOptions OptionsOfSmallFiles() {
  const rlimit limit = {.rlim_cur = 1024, .rlim_max = RLIM_INFINITY};
  CallPastTheSeam(SYS_prlimit64, 0, RLIMIT_FSIZE, (long)&limit, 0);
  return Options();
}

StartOptions OptionsOverIoUring() {
  StartOptions options = Options();
  options.event_loop = EventLoop::Backend::kBest;
  options.under_memory_pressure = UnderPressure::kShrinkPools;
  return options;
}

StartOptions OptionsWithOwnThread() {
  StartOptions options = OptionsOverIoUring();
  options.driving = Driving::kOwnThread;
  return options;
}

StartOptions OptionsOfTwoLayouts() {
  StartOptions options = Options();
  options.layouts = 2;
  return options;
}

StartOptions OptionsWithTemplate() {
  StartOptions options = Options();
  options.templates = {{.name = "nested",
                        .types = {ProcessType::kContent},
                        .warm_ups = {{"role", BecomeATemplate}},
                        .pool = PoolBounds{.min = 0, .max = 0}}};
  return options;
}

StartOptions OptionsWithEviction() {
  StartOptions options = OptionsWithTemplate();
  options.templates[0].evict_after = absl::Milliseconds(10);
  return options;
}

StartOptions OptionsOfTheModel() {
  StartOptions options = Options();
  options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<VictimProgram>},
                      {ProcessType::kContent, PageProgram()}};
  options.templates = ProcessTemplates(options.programs);
  TemplateOptions& content = TemplateNamed(options.templates, "content");
  content.warm_ups = {{"role", BecomeASandboxedTemplate}};
  content.pool = kNoPool;
  return options;
}

StartOptions OptionsWithTemplates() {
  StartOptions options = OptionsWithTemplate();
  options.templates.push_back(Sandboxed(ProcessType::kUtility));
  return options;
}

StartOptions OptionsWithSandbox() {
  StartOptions options = Options();
  options.templates = {Sandboxed(ProcessType::kContent)};
  return options;
}

StartOptions OptionsWithServices() {
  StartOptions options = OptionsWithSandbox();
  options.templates[0].sandbox.policy = SandboxPolicyId::kGpu;
  return options;
}

}  // namespace forkserver::testing
