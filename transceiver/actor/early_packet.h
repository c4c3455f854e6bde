// A packet of an actor's that is not bound yet, for whoever sends it ahead of the actor: behind the
// Plan of a launch, so that the child has it with its first instruction.
#ifndef TRANSCEIVER_ACTOR_EARLY_PACKET_H_
#define TRANSCEIVER_ACTOR_EARLY_PACKET_H_

#include <stdint.h>

#include <vector>

#include "transceiver/frame.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

struct EarlyPacket {
  Frame frame = {};
  std::vector<uint8_t> payload = {};
  std::vector<UniqueFd> descriptors = {};  // duplicates
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_EARLY_PACKET_H_
