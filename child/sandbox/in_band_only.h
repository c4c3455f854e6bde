// Sending and receiving without MSG_OOB. On sockets of the local family the kernel keeps a queue of
// its own for it (Linux 5.15), which nothing here needs and by which sandboxes were left
// (CVE-2025-38236).
#ifndef CHILD_SANDBOX_IN_BAND_ONLY_H_
#define CHILD_SANDBOX_IN_BAND_ONLY_H_

#include <initializer_list>

#include "child/sandbox/system_calls.h"

namespace forkserver {

// Calls whose argument number `flags` has the MSG_ flags. EOPNOTSUPP, as of a kernel without it.
void AllowInBandOnly(SystemCalls& calls, unsigned flags, std::initializer_list<long> senders);

}  // namespace forkserver

#endif  // CHILD_SANDBOX_IN_BAND_ONLY_H_
