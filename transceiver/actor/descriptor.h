// A field that is an open descriptor.
//
//     struct OpenFile {
//       Descriptor file = {};
//       std::optional<Descriptor> log = {};
//       auto Fields() { return std::tie(file, log); }
//     };
//     actor.Send(OpenFile{.file = Descriptor(std::move(fd))});
//
// Ownership: owns. Sending borrows it: the peer gets a duplicate, and the sender's is closed with
// the message. A Descriptor that is not open cannot be sent; what may be missing is an optional.
// Received ones are close-on-exec, and closed as a stranger's (close_strangers.h) as long as `fd`
// has not been moved into a UniqueFd: whoever takes it so may wait in its last close. What kind of
// file it is the receiver has to check.
#ifndef TRANSCEIVER_ACTOR_DESCRIPTOR_H_
#define TRANSCEIVER_ACTOR_DESCRIPTOR_H_

#include <utility>

#include "transceiver/actor/codec.h"
#include "transceiver/close_strangers.h"

namespace forkserver {

struct Descriptor {
  StrangersFd fd = {};
};

template <>
struct Codec<Descriptor> {
  static constexpr size_t kMaxBytes = 0;
  static constexpr size_t kMaxDescriptors = 1;
  static constexpr bool kHasEndpoint = false;
  static void Put(FieldWriter& out, const Descriptor& value) { out.Descriptor(value.fd.get()); }
  static void Get(FieldReader& in, Descriptor& value) { value.fd = in.Descriptor(); }
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_DESCRIPTOR_H_
