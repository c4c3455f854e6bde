// Writes all of some bytes.
//
//     if (const int error = WriteAll(fd, text); error != 0) {
//       return ErrnoStatus(error, "write " + path);
//     }
//
// write(2) may take less than it is given, and be interrupted: who calls it once has a file that
// ends somewhere. A file that would grow beyond RLIMIT_FSIZE is EFBIG, and no end of the program
// (size_limit_guard.h); a pipe without a reader raises SIGPIPE as ever. Threads: any. No
// allocation, no lock.
#ifndef TRANSCEIVER_WRITE_ALL_H_
#define TRANSCEIVER_WRITE_ALL_H_

#include <string_view>

namespace forkserver {

// 0 or an errno: some of `bytes` may have been written. EIO: a write took nothing and had no error.
// Blocks where the descriptor does; one that does not is EAGAIN where it is full.
int WriteAll(int fd, std::string_view bytes);

}  // namespace forkserver

#endif  // TRANSCEIVER_WRITE_ALL_H_
