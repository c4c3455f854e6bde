// A descriptor of one of the kinds that a receiver has to tell apart, by a number of the fuzzer's.
#ifndef TESTS_FUZZ_FUZZED_DESCRIPTOR_H_
#define TESTS_FUZZ_FUZZED_DESCRIPTOR_H_

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/require.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

inline UniqueFd Memfd(off_t size, int seals) {
  UniqueFd fd(memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  Require(fd.is_open() && ftruncate(fd.get(), size) == 0);
  Require(seals == 0 || fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}

inline UniqueFd FuzzedDescriptor(uint8_t kind) {
  constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  switch (kind % 6) {
    case 0:
      return UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
    case 1:
      return Memfd(64, kAllSeals);
    case 2:
      return Memfd(64, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    case 3:
      return Memfd(64, 0);
    case 4:
      return UniqueFd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    default: {
      SocketPair pair;
      Require(CreateSocketPair(pair) == 0);
      return std::move(pair.first);
    }
  }
}

}  // namespace forkserver

#endif  // TESTS_FUZZ_FUZZED_DESCRIPTOR_H_
