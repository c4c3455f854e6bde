// What a template was seen to be, for reports.
#ifndef FORKSERVER_HOST_TEMPLATE_STATUS_H_
#define FORKSERVER_HOST_TEMPLATE_STATUS_H_

#include <stdint.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "child/process_types.h"
#include "forkserver/server/hello.h"

namespace forkserver {

// Of a template in one layout.
struct TemplateStatus {
  enum class State : uint8_t {
    kNotStarted,
    kStarting,
    kServing,
    kDead,
    // Dead or never started, and not to be started any more: safe mode (fork_server.h). Launches by
    // LaunchWay::kAny are exec'ed.
    kGivenUp,
  };

  std::string name;
  std::string parent;  // empty for the root
  int layout = 0;      // 0: below the root that the seed has forked
  State state = State::kNotStarted;
  uint64_t starts = 0;         // how often it was started, by now
  absl::Status why_dead = {};  // of kDead and kGivenUp
  // Somebody has asked for it, and it has died too often lately to be started at once (or one above
  // it has): when it is, in nanoseconds of NowNanos. 0: nobody has, or it may be.
  int64_t starts_again_at = 0;
  std::optional<pid_t> pid = {};        // once it is known
  std::optional<pid_t> init_pid = {};   // of the pid namespace that it has made for its children
  PoolBounds pool = kNoPool;            // how many blanks may wait in its pool
  std::vector<pid_t> idle_blanks = {};  // that do
  HelloMessage hello = {};              // of kServing
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_STATUS_H_
