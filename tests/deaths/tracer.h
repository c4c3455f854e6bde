// Another process than the host that traces one of the host's: dead, that one is a zombie that its
// own parent cannot reap until the tracer lets go of it (ptrace(2)).
//
//     Tracer tracer(server, pid);
//     ASSERT_TRUE(SignalProcess(pid, SIGKILL).ok());      // dead, and not to be reaped
//     tracer.LetGo();
//
// Lets go when it is destroyed. Threads: one.
#ifndef TESTS_DEATHS_TRACER_H_
#define TESTS_DEATHS_TRACER_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <optional>
#include <string>
#include <utility>

#include "forkserver/host/fork_server.h"

namespace forkserver::testing {

class Tracer {
 public:
  Tracer(ForkServer& server, pid_t traced) {
    absl::StatusOr<LaunchedChild> tracer = server.Launch({.type = ProcessType::kIpcUnitTest,
                                                          .argv = {"trace", std::to_string(traced)},
                                                          .way = LaunchWay::kExec});
    EXPECT_TRUE(tracer.ok()) << tracer.status();
    if (!tracer.ok()) return;
    tracer_.emplace(*std::move(tracer));
    pollfd traces = {.fd = tracer_->socket.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&traces, 1, 10'000), 1);
    EXPECT_EQ(traces.revents, POLLIN) << "it ended";
  }

  void LetGo() {
    EXPECT_TRUE(tracer_->process.Signal(SIGKILL).ok());
    EXPECT_TRUE(tracer_->process.Wait().ok());
  }

 private:
  std::optional<LaunchedChild> tracer_;
};

}  // namespace forkserver::testing

#endif  // TESTS_DEATHS_TRACER_H_
