// The host's side of attempts: makes what they are aimed at, and keeps it fresh.
//
//     absl::StatusOr<std::unique_ptr<HostTargets>> host = HostTargets::Create();
//     for (const GivenDescriptor& given : (*host)->descriptors()) options.Map(given.fd,
//     given.number); options.argv = {"attempt", name, EncodeTargets((*host)->targets())};
//     ...
//     absl::Status fresh = (*host)->Restore();              // before each attempt
//
// It holds: a sibling (a process of its own, a child of this one), a directory in /tmp, sockets
// that listen on 127.0.0.1, at an abstract name and at a path, a pseudo-terminal, a socket
// pair, a segment of System V memory, and a secret that is new for each HostTargets. What this
// machine has not got (a virtual console, file handles) is absent from the targets; without the
// rest Create fails.
//
// Ownership: all is gone with the HostTargets, the sibling reaped. A host that dies takes all but
// the directory with it. Threads: one at a time. Not usable after a fork.
// A test that uses it has //tests/sandbox:sibling among its data.
#ifndef TESTS_SANDBOX_HOST_TARGETS_H_
#define TESTS_SANDBOX_HOST_TARGETS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/host/process.h"
#include "tests/sandbox/attempt_targets.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {

struct GivenDescriptor {
  int fd;      // the host's, borrowed
  int number;  // the process's that makes attempts; what the targets name
};

class HostTargets {
 public:
  // `sibling`: the program, by its path from the directory that tests run in.
  static absl::StatusOr<std::unique_ptr<HostTargets>> Create(
      const std::string& sibling = "tests/sandbox/sibling");

  HostTargets(const HostTargets&) = delete;
  HostTargets& operator=(const HostTargets&) = delete;
  ~HostTargets();

  const AttemptTargets& targets() const { return targets_; }
  std::vector<GivenDescriptor> descriptors() const;

  // Makes the scratch directory anew, takes the connections and datagrams that came, empties the
  // terminal, and forgets what signals the sibling got. An error too where the sibling is gone.
  absl::Status Restore();

  // Whether SIGUSR1 reached the sibling since this was asked or Restore called.
  absl::StatusOr<bool> SiblingWasSignalled();

 private:
  HostTargets() = default;

  absl::Status MakeFiles();
  absl::Status MakeSockets();
  absl::Status MakeOthers();
  absl::Status StartSibling(const std::string& program);
  absl::Status MakeScratch();
  void RemoveLeftovers();

  AttemptTargets targets_;
  std::string directory_;  // empty: not made yet
  UniqueFd given_;
  UniqueFd terminal_, terminal_master_;
  UniqueFd console_;
  UniqueFd mount_namespace_;
  UniqueFd socket_, socket_peer_;
  UniqueFd tcp_, udp_, abstract_, abstract_datagrams_, path_;
  void* shared_memory_ = nullptr;
  UniqueFd to_sibling_;
  std::unique_ptr<Process> sibling_;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_HOST_TARGETS_H_
