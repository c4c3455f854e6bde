// What attempts are aimed at, as the host tells it to the process that makes them.
//
//     const std::string argument = EncodeTargets(host.targets());        // the host
//     std::optional<AttemptTargets> targets = DecodeTargets(argv[2]);    // the process
//
// Plain bytes without pointers or padding. Descriptors are the numbers that they have in the
// process that makes the attempt; the host gives them (HostTargets::descriptors). Pids are the
// host's. Made by HostTargets, which says how each target is kept fresh.
#ifndef TESTS_SANDBOX_ATTEMPT_TARGETS_H_
#define TESTS_SANDBOX_ATTEMPT_TARGETS_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string>
#include <string_view>

namespace forkserver::testing {

inline constexpr size_t kSecretBytes = 32;  // letters and digits
inline constexpr size_t kPathBytes = 112;
inline constexpr size_t kHandleBytes = 128;

struct AttemptTargets {
  char secret[kSecretBytes] = {};  // what secret files and memory hold; no zero at its end

  // Processes.
  int32_t host_pid = 0;
  int32_t sibling_pid = 0;
  // In the sibling's memory: the secret, and as many bytes that attempts may write.
  uint64_t sibling_secret = 0;
  uint64_t sibling_slate = 0;
  // The sibling's number of a memfd that holds the secret.
  int32_t sibling_secret_fd = -1;

  // Descriptors that the process was given; -1 for what this machine has not got.
  int32_t directory_fd = -1;  // the folder `given`, open for reading
  int32_t terminal_fd = -1;   // a pseudo-terminal in raw mode
  int32_t console_fd = -1;    // a virtual console
  int32_t namespace_fd = -1;  // the host's mount namespace
  int32_t socket_fd = -1;     // of a pair that the host made, as launch sockets are

  // Files. `directory` holds `secret` (mode 0600), `socket`, `given/inside` with the secret as
  // content, and `scratch` with `prey`, `folder/` and whatever an attempt makes in it.
  char directory[kPathBytes] = {};
  int32_t handle_bytes = 0;  // 0: the file system has no handles
  int32_t handle_type = 0;
  uint8_t handle[kHandleBytes] = {};  // of `secret`, for open_by_handle_at

  // Sockets on which the host listens.
  char abstract_name[kPathBytes] = {};  // without the zero in front
  uint16_t tcp_port = 0;                // on 127.0.0.1
  uint16_t udp_port = 0;

  // System V.
  int32_t shared_memory = -1;  // a segment that begins with the secret

  char nodename[72] = {};

  // What bounds the attempts to use up: all in all, and given back afterwards.
  uint64_t memory_bytes = 0;
  uint32_t threads = 0;
  uint32_t children = 0;
  uint32_t open_files = 0;
  uint32_t unused = 0;
};

// In letters and digits: an argument of a program.
std::string EncodeTargets(const AttemptTargets& targets);
// Nothing: not made by EncodeTargets of the same build.
std::optional<AttemptTargets> DecodeTargets(std::string_view text);

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ATTEMPT_TARGETS_H_
