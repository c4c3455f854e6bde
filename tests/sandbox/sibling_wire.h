// What a host of attempts and the sibling that it starts say to each other, over a seqpacket socket
// that is the sibling's stdin.
//
//     host                    sibling
//     secret ------------->
//            <------------- SiblingSelf
//     any byte ----------->
//            <------------- one byte: 1 if SIGUSR1 came since the last question, else 0
//     (hangs up)              ends
#ifndef TESTS_SANDBOX_SIBLING_WIRE_H_
#define TESTS_SANDBOX_SIBLING_WIRE_H_

#include <stdint.h>

namespace forkserver::testing {

struct SiblingSelf {
  uint64_t secret = 0;  // addresses
  uint64_t slate = 0;
  int32_t secret_fd = -1;
  int32_t unused = 0;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_SIBLING_WIRE_H_
