// A child that does to its host what the host cannot do to itself: it holds what the host exec's,
// and strikes it at a place of a test's choosing.
//
//     ExecHolder holder(server, ExecPhase::kBeforeExec, SIGSTOP);   // traces the calling thread
//     server.LaunchAsync({.way = LaunchWay::kExec, ...});           // its child is held and struck
//     UniqueFd pidfd = holder.NextStruck();
//
// What it has not struck goes on when it is destroyed. A failure fails the test. Threads: the one
// that has made it, whose next clones are those of children by exec.
#ifndef TESTS_DEATHS_EXEC_HOLDER_H_
#define TESTS_DEATHS_EXEC_HOLDER_H_

#include <stdint.h>

#include <memory>
#include <optional>

#include "child/child_program.h"
#include "forkserver/host/fork_server.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {

enum class ExecPhase : uint8_t {
  kBeforeExec,  // in the host's memory
  kBeforePlan,
  kAfterPlan,
};

class ExecHolder {
 public:
  ExecHolder(ForkServer& server, ExecPhase phase, int signal);

  // Waits until one more is struck. Closed: the holder has failed.
  UniqueFd NextStruck();

  // What it runs, as ProcessType::kDummy.
  static ChildProgramRow Program();

 private:
  std::optional<LaunchedChild> holder_;
};

}  // namespace forkserver::testing

#endif  // TESTS_DEATHS_EXEC_HOLDER_H_
