// One packet of any bytes with any descriptors, as a hostile peer sends it: nothing is checked, and
// nothing waited for. At most kMaxDescriptors, since the kernel sends no more.
#ifndef TESTS_TESTING_SEND_RAW_H_
#define TESTS_TESTING_SEND_RAW_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <span>

#include "transceiver/frame.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// False: the socket has no room, or its peer is gone.
inline bool SendRaw(int socket, std::span<const uint8_t> bytes,
                    std::span<const UniqueFd> descriptors) {
  iovec part = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    for (size_t i = 0; i < descriptors.size(); ++i) {
      const int fd = descriptors[i].get();
      memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(int));
    }
  }
  return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

}  // namespace forkserver

#endif  // TESTS_TESTING_SEND_RAW_H_
