// A failed system call as a Status, in one line that names the call, its object and the errno:
//
//     return ErrnoStatus(errno, "open /etc/prefs.js");     // "open /etc/prefs.js: ENOENT"
//
// For code before the fork and in the host. Between fork and Ready an errno travels as a
// number, and the host makes the sentence.
#ifndef TRANSCEIVER_ERRNO_STATUS_H_
#define TRANSCEIVER_ERRNO_STATUS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace forkserver {

// "ENOENT" for ENOENT; "errno 4095" for a number without a name.
std::string ErrnoName(int error);

absl::Status ErrnoStatus(int error, std::string_view call_and_object);

}  // namespace forkserver

#endif  // TRANSCEIVER_ERRNO_STATUS_H_
