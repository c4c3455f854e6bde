// A second host of the same program, which has launched what warms up and nothing since:
//
//     absl::StatusOr<Twin> twin = Twin::Start();          // this program again, with kTwinArgument
//     absl::StatusOr<Wear> wear = twin->Compare(server);  // launches of both, in turn
//
// What an old host's launches take is held against a young one's at the same moment, since over the
// minutes of a soak the same launch takes half or twice as long, by whoever else computes on the
// machine; the two of a pair see the same machine.
//
// Ownership: a Twin that is destroyed kills its process and reaps it. Threads: one.
#ifndef TESTS_SOAK_TWIN_H_
#define TESTS_SOAK_TWIN_H_

#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/host/process.h"
#include "transceiver/unique_fd.h"

namespace forkserver::soak {

inline constexpr char kTwinArgument[] = "--twin";

// Medians of lone launches.
struct Wear {
  double old_micros = 0;
  double young_micros = 0;

  double Change() const { return old_micros / young_micros - 1; }
};

class Twin {
 public:
  // Waits until it has warmed up.
  static absl::StatusOr<Twin> Start();

  absl::StatusOr<Wear> Compare(ForkServer& server);

  // Has it end by itself, with its templates, which would be this process's children otherwise,
  // where this one is a subreaper. Fails where it does not end well.
  absl::Status End();

 private:
  Twin(Process process, UniqueFd socket)
      : process_(std::move(process)), socket_(std::move(socket)) {}

  absl::StatusOr<absl::Duration> Launch();

  Process process_;
  UniqueFd socket_;
};

// The twin's own main, when it has warmed up: answers on its stdin until that is closed.
int ServeAsTwin(ForkServer& server);

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_TWIN_H_
