// The options of a launch that may have to be sent again when its caller has gone on: a copy, with
// duplicates of all that they borrow.
//
//     absl::StatusOr<std::unique_ptr<KeptLaunchOptions>> kept = KeptLaunchOptions::Keep(options);
//     ...later...  launcher.Send(kept->options());
//
// Ownership: owns the duplicates, which are close-on-exec, until it is destroyed. Fails as fcntl
// F_DUPFD_CLOEXEC does. Threads: one at a time. After a fork of the embedder's own: the child has
// the duplicates too.
#ifndef FORKSERVER_HOST_KEPT_LAUNCH_OPTIONS_H_
#define FORKSERVER_HOST_KEPT_LAUNCH_OPTIONS_H_

#include <stdint.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/host/launch_options.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class KeptLaunchOptions {
 public:
  static absl::StatusOr<std::unique_ptr<KeptLaunchOptions>> Keep(const LaunchOptions& options);
  KeptLaunchOptions(const KeptLaunchOptions&) = delete;
  KeptLaunchOptions& operator=(const KeptLaunchOptions&) = delete;

  const LaunchOptions& options() const { return options_; }

 private:
  struct OwnedPacket {
    std::vector<uint8_t> payload = {};
    std::vector<int> descriptors = {};
  };

  explicit KeptLaunchOptions(const LaunchOptions& options) : options_(options) {}
  absl::Status TakeOver();
  // `fd` becomes a duplicate of what it is.
  absl::Status Duplicate(int& fd);

  LaunchOptions options_;
  std::vector<UniqueFd> duplicates_;
  std::vector<OwnedPacket> owned_;
  std::vector<FirstPacket> packets_;  // of what is owned
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_KEPT_LAUNCH_OPTIONS_H_
