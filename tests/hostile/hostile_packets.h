// What a peer that has gone mad may put on a launch socket: packets of any bytes with any
// descriptors, each with a name.
//
//     for (HostilePacket& packet : MalformedPackets()) packet.SendOn(socket);
//
// None of them is right for a receiver of either side. Descriptors are this process's own.
#ifndef TESTS_HOSTILE_HOSTILE_PACKETS_H_
#define TESTS_HOSTILE_HOSTILE_PACKETS_H_

#include <stdint.h>

#include <string>
#include <utility>
#include <vector>

#include "transceiver/frame.h"
#include "transceiver/messages.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {

struct HostilePacket {
  std::string name;
  std::vector<uint8_t> bytes = {};
  std::vector<UniqueFd> descriptors = {};
  // Other ends of those, which do not go.
  std::vector<UniqueFd> kept = {};

  // Nothing is waited for. False: the socket has no room, or its peer is gone.
  bool SendOn(int socket) const;
};

// A message as its frame says, whatever that is.
HostilePacket Message(std::string name, const Frame& frame, std::vector<uint8_t> payload = {},
                      std::vector<UniqueFd> descriptors = {});

// No message at all: empty, short, of another protocol or version, with a frame that lies.
std::vector<HostilePacket> MalformedPackets();
// Every type of the catalogue, and others, with payloads that are none of theirs.
std::vector<HostilePacket> MisplacedMessages();
// A message of `type` with descriptors of every kind that it must not have, and with as many as
// there can be. `bystander`: a pid.
std::vector<HostilePacket> WithDescriptors(uint16_t type, pid_t bystander);

}  // namespace forkserver::testing

#endif  // TESTS_HOSTILE_HOSTILE_PACKETS_H_
