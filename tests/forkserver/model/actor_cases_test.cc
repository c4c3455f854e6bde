// The cases of ipc_unit_test with both sides in this process, each on a thread with its loop. That
// shows that a case needs nothing but its line, and the thread sanitizer, which allows no fork,
// sees both ends at work.
#include "tests/forkserver/model/actor_cases.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/transceiver/open_descriptors.h"
#include "tests/transceiver/watched_thread.h"

#if defined(__SANITIZE_THREAD__)
// It takes the use of a descriptor's number by two threads for a race, as it sees neither the raw
// calls that close descriptors nor those that receive them.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:^__interceptor_epoll_create1$\n"
         "race:^__interceptor_epoll_ctl$\n"
         "race:^__interceptor_epoll_wait$\n"
         "race:^__interceptor_eventfd$\n"
         "race:^__interceptor_eventfd_read$\n"
         "race:^__interceptor_eventfd_write$\n"
         "race:^__interceptor_mmap$\n"
         "race:^__interceptor_pipe2$\n"
         "race:^__interceptor_read$\n";
}
#endif

namespace forkserver::testing {
namespace {

std::vector<ActorCase> CasesThatGoOn() {
  std::vector<ActorCase> all;
  for (const auto& cases : {MessageCases(), EndCases(), BadEndCases()}) {
    for (const ActorCase& one : cases) {
      if (one.name != kExitCase) all.push_back(one);
    }
  }
  return all;
}

class OnTwoThreads : public ::testing::TestWithParam<ActorCase> {};

TEST_P(OnTwoThreads, BothSidesPass) {
  const size_t before = OpenDescriptors();
  {
    auto pair = CreateEndpoints<Line>({}, {});
    ASSERT_TRUE(pair.ok()) << pair.status();
    WatchedThread child([&] { RunActorCase(GetParam().name, std::move(pair->child)); });
    RunActorCase(GetParam().name, std::move(pair->parent));
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(Of, OnTwoThreads, ::testing::ValuesIn(CasesThatGoOn()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace forkserver::testing
