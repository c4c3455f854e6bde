// A TCP socket whose last close waits for a minute, since it lingers (socket(7)): connected, with
// data that nobody reads. `peer` is its other end, to be kept as long as that must hold.
#ifndef TESTS_TESTING_SOCKET_THAT_LINGERS_H_
#define TESTS_TESTING_SOCKET_THAT_LINGERS_H_

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <vector>

#include "transceiver/unique_fd.h"

namespace forkserver::testing {

inline UniqueFd SocketThatLingers(UniqueFd& peer) {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.get(), any, size) != 0 || listen(listener.get(), 1) != 0 ||
      getsockname(listener.get(), any, &size) != 0) {
    abort();
  }
  UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(client.get(), any, size) != 0) abort();
  // Never read: the peer's window fills up.
  peer = UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const std::vector<uint8_t> data(1 << 16);
  while (send(client.get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  const linger a_minute = {.l_onoff = 1, .l_linger = 60};
  setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &a_minute, sizeof(a_minute));
  return client;
}

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_SOCKET_THAT_LINGERS_H_
