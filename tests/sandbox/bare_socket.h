// Packets on the socket of an actor, past the actor: as somebody sends them who has taken the
// process over.
//
//     using Messages = AProtocol::Messages;
//     return BareSocket(fd, Messages::kCount, Messages::IndexOf<Try>()).Commit(breach);
//
// Ownership: borrows the socket. Threads: one. Blocks where the socket is full.
#ifndef TESTS_SANDBOX_BARE_SOCKET_H_
#define TESTS_SANDBOX_BARE_SOCKET_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "absl/status/status.h"
#include "tests/sandbox/attempt_protocol.h"
#include "transceiver/frame.h"

namespace forkserver::testing {

class BareSocket {
 public:
  // `messages`: how many the protocol has. `call`: the number of a call that only the parent makes.
  BareSocket(int fd, size_t messages, size_t call) : fd_(fd), messages_(messages), call_(call) {}

  // Ok: sent. The parent may have seen it, and be about to kill this process.
  absl::Status Commit(Breach breach) const;

 private:
  absl::Status Send(const Frame& frame, const std::vector<uint8_t>& payload) const;
  absl::Status Flood() const;

  const int fd_;
  const size_t messages_;
  const size_t call_;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_BARE_SOCKET_H_
