// Makes tests of phases: each is a function that brings the launches of a Scene to some point and
// strikes. In Killed.Phase it strikes with SIGKILL, in Stopped.Phase with SIGSTOP, once for each
// way in which its launches come.
//
//     KILLED(RootIdle, "root", kBothWays)       // the phase, the template that must serve then,
//     STOPPED(RootIdle, "root", kBothWays)      // and the ways
#ifndef TESTS_DEATHS_DEATH_ROWS_H_
#define TESTS_DEATHS_DEATH_ROWS_H_

#include <gtest/gtest.h>
#include <signal.h>

#include <string_view>
#include <vector>

#include "tests/deaths/death_scene.h"
#include "tests/testing/host_test.h"

namespace forkserver::testing {

inline const std::vector<Way> kForkedOnly = {Way::kForked};
inline const std::vector<Way> kPooledOnly = {Way::kPooled};
inline const std::vector<Way> kExecedOnly = {Way::kExeced};
inline const std::vector<Way> kBothWays = {Way::kForked, Way::kPooled};
inline const std::vector<Way> kAllWays = {Way::kForked, Way::kPooled, Way::kExeced};

inline void Die(ForkServer& server, int signal, void (*phase)(Scene& scene),
                std::string_view template_name, const std::vector<Way>& ways) {
  for (const Way way : ways) {
    SCOPED_TRACE(way == Way::kPooled ? "pooled" : way == Way::kExeced ? "exec'ed" : "forked");
    Scene scene(server, signal, way);
    phase(scene);
    if (!::testing::Test::HasFatalFailure()) scene.ExpectTheHostGoesOn(template_name);
  }
}

}  // namespace forkserver::testing

// The count is for whoever adds up what a run of all tests has shown.
#define DEATH_OF(suite, signal, phase, template_name, ways)                                  \
  void suite##phase(ForkServer& server) { Die(server, signal, phase, template_name, ways); } \
  TEST(suite, phase) {                                                                       \
    RunInHost(#suite "." #phase, suite##phase);                                              \
    if (!HasFailure()) RecordProperty("deaths_survived", static_cast<int>((ways).size()));   \
  }
#define KILLED(phase, template_name, ways) DEATH_OF(Killed, SIGKILL, phase, template_name, ways)
#define STOPPED(phase, template_name, ways) DEATH_OF(Stopped, SIGSTOP, phase, template_name, ways)

#endif  // TESTS_DEATHS_DEATH_ROWS_H_
