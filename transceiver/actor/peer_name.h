// Who is at the other end of an actor, in the parent process's words. This room carries it and
// looks only at the pid: types and remote types are numbers and names to it.
#ifndef TRANSCEIVER_ACTOR_PEER_NAME_H_
#define TRANSCEIVER_ACTOR_PEER_NAME_H_

#include <stddef.h>
#include <stdint.h>

#include <string>

namespace forkserver {

inline constexpr size_t kMaxRemoteTypeBytes = 512;

struct PeerName {
  int32_t pid = 0;  // in the parent's pid namespace
  uint16_t process_type = 0;
  std::string remote_type = {};  // at most kMaxRemoteTypeBytes

  bool operator==(const PeerName&) const = default;
};

// Whether the peer is the process that makes endpoints. Only from that one are endpoints taken.
enum class PeerRole : uint8_t { kParentProcess, kOther };

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_PEER_NAME_H_
