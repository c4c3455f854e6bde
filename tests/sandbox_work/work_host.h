// Honest work, done by children under the policy that is meant for it.
//
//     std::string ParsePage(ChildContext& context) { ...; return title; }
//
//     HOST_TEST(ContentWork, ParsesAPage) {
//       EXPECT_EQ(Do(server, SandboxPolicyId::kContent, "parse a page"), "Opening hours");
//       EXPECT_EQ(RefusedCalls(server), "");
//     }
//
//     HostSetup testing::SetUpHost(const std::string&) {
//       return WorkHost({{"parse a page", ParsePage}}, {SandboxPolicyId::kContent});
//     }
//
// One template for each policy, of its name, at the full level. A work says in words what came of
// it, so that a failure tells the call and the errno; one that cannot go on throws. What a policy
// refuses to honest work costs it two changes of thread each time and hides attacks in the report:
// so tests look at that too.
#ifndef TESTS_SANDBOX_WORK_WORK_HOST_H_
#define TESTS_SANDBOX_WORK_WORK_HOST_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "child/child_program.h"
#include "forkserver/host/fork_server.h"
#include "tests/testing/host_test.h"

namespace forkserver::sandbox_work {

struct Work {
  std::string_view name;
  std::function<std::string(ChildContext& context)> run;
};

testing::HostSetup WorkHost(std::vector<Work> works, const std::vector<SandboxPolicyId>& policies);

// What the work said, in a new child of that policy's template, which ended with status 0. If it
// did not, that is said too: "; killed by SIGSYS". The work's arguments are those of `more` from
// its second on; a launch that fails is its Status.
std::string Do(ForkServer& server, SandboxPolicyId policy, std::string_view work,
               LaunchOptions more = {});

// The two halves of it, for works that are sent something meanwhile.
absl::StatusOr<LaunchedChild> Begin(ForkServer& server, SandboxPolicyId policy,
                                    std::string_view work, LaunchOptions more = {});
std::string End(LaunchedChild child);

// A line for each; empty if there was none.
std::string RefusedCalls(const ForkServer& server);

// "open /dev/dri: ENOENT", for a work that cannot go on.
[[noreturn]] void Fail(const std::string& what);
// The same where the result is negative; else the result.
long Check(long result, const std::string& call);

}  // namespace forkserver::sandbox_work

#endif  // TESTS_SANDBOX_WORK_WORK_HOST_H_
