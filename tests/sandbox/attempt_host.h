// The parent's side of attempts over a top-level actor (attempt_protocol.h).
//
//     std::unique_ptr<AttemptHost> host = AttemptHost::Create(parent, type);
//     host->core().Launch(...);
//     host->SendTry(message, [](absl::StatusOr<Tried> tried) { ... });
//     ... host->end() ...                        // once the process has ended
//
// Ownership and threads: as ProcessHost.
#ifndef TESTS_SANDBOX_ATTEMPT_HOST_H_
#define TESTS_SANDBOX_ATTEMPT_HOST_H_

#include <functional>
#include <memory>
#include <optional>

#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host.h"
#include "tests/sandbox/attempt_protocol.h"

namespace forkserver::testing {

class AttemptHost {
 public:
  // With the protocol of the type.
  static std::unique_ptr<AttemptHost> Create(ParentProcess& parent, ProcessType type);
  virtual ~AttemptHost() = default;

  virtual ProcessHostCore& core() = 0;
  virtual absl::Status SendTry(const Try& message,
                               std::function<void(absl::StatusOr<Tried>)> callback) = 0;
  virtual absl::Status SendBeSibling(const BeSibling& message,
                                     std::function<void(absl::StatusOr<Sibling>)> callback) = 0;
  virtual absl::Status SendMisbehave(const Misbehave& message) = 0;

  const std::optional<ProcessEnd>& end() const { return end_; }

 protected:
  std::optional<ProcessEnd> end_;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ATTEMPT_HOST_H_
