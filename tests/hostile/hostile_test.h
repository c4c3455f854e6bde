// Tests of a host whose peers have gone mad, and what holds around each of them: the host's heap
// and descriptors stay as they were, and the next launch works.
//
//     void AnyBytes(ForkServer& server) { ...; CountHostileMessages(1); }
//     HOSTILE_TEST(HostileChild, AnyBytes)
//
// The test's report has how many messages were tried (hostile_messages), for whoever adds up what a
// run of all tests has shown.
#ifndef TESTS_HOSTILE_HOSTILE_TEST_H_
#define TESTS_HOSTILE_HOSTILE_TEST_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include "absl/time/time.h"
#include "tests/testing/host_test.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {

// How long the host may take over one message: earlier than its launch's own deadline.
inline constexpr absl::Duration kHostilePatience = absl::Seconds(2);
inline constexpr absl::Duration kHostileDeadline = absl::Seconds(8);

// Of the calling host.
void CountHostileMessages(int count);

// In the test's own process, and in the victim.
void RunHostileTest(const char* test, void (*victims_body)(ForkServer& server));
void RunHostileBody(ForkServer& server, void (*body)(ForkServer& server));

// Somebody who has nothing to do with it: a child that the host has started by itself.
class Bystander {
 public:
  Bystander();
  ~Bystander();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

}  // namespace forkserver::testing

#define HOSTILE_TEST(suite, name)                                                 \
  void suite##name(ForkServer& server) { testing::RunHostileBody(server, name); } \
  TEST(suite, name) { testing::RunHostileTest(#suite "." #name, suite##name); }

#endif  // TESTS_HOSTILE_HOSTILE_TEST_H_
