// Memory that a process of ours shares with the host: a memfd whose size nobody can change, so
// that it can be mapped without fear of SIGBUS.
#ifndef FORKSERVER_HOST_FIXED_MEMFD_H_
#define FORKSERVER_HOST_FIXED_MEMFD_H_

#include <stddef.h>

#include "absl/status/statusor.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Sparse, close-on-exec, sealed against F_SEAL_SHRINK and F_SEAL_GROW. Fails as memfd_create,
// ftruncate (EFBIG: RLIMIT_FSIZE; no SIGXFSZ) and fcntl do, naming call and `name`. Threads: any.
absl::StatusOr<UniqueFd> CreateFixedMemfd(const char* name, size_t bytes);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_FIXED_MEMFD_H_
