// The names of scenarios.cc, for who only runs them.
#ifndef TESTS_FAULTS_SCENARIO_NAMES_H_
#define TESTS_FAULTS_SCENARIO_NAMES_H_

namespace forkserver::testing {

inline constexpr const char* kScenarioNames[] = {
    "Epoll",         "IoUring",  "OwnThread", "NoClone3",  "Everything", "ManyArguments",
    "Async",         "DeadRoot", "Pool",      "Nested",    "Sandbox",    "SandboxByExec",
    "SandboxedPool", "Layouts",  "Eviction",  "Services",  "Model",      "SmallFiles",
    "DeadParent",    "WarmPool", "Strangers", "NoThreads", "Records",    "Steady",
};

// Their faults are tried although other scenarios have tried them: here templates are looked at
// too.
inline constexpr const char* kSteadyScenarios[] = {"WarmPool", "Strangers", "NoThreads", "Steady"};

// Here the host is sure to close in threads what a child has left.
inline constexpr const char* kStrangersScenario = "Strangers";

// Of this one the root's are too: what it forks there is a template and no child.
inline constexpr const char* kTemplateScenario = "Nested";

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_SCENARIO_NAMES_H_
