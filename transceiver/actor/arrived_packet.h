// What actor_link's sources share about packets that have arrived.
#ifndef TRANSCEIVER_ACTOR_ARRIVED_PACKET_H_
#define TRANSCEIVER_ACTOR_ARRIVED_PACKET_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "transceiver/actor/arrived_descriptors.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

inline ArrivedDescriptors TakeAll(DescriptorList& list) {
  std::vector<UniqueFd> all;
  all.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) all.push_back(list.Take(i));
  return ArrivedDescriptors(std::move(all));
}

// A refusal's status. Ok: the payload is none.
absl::Status ReadReject(std::span<const uint8_t> payload);

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_ARRIVED_PACKET_H_
