// Reads a small file as a whole.
//
//     char text[4096];
//     const long size = ReadText(fd, text, sizeof(text));
//     if (size < 0) return static_cast<int>(-size);                      // the errno
//
// read(2) may give less than there is, and be interrupted: who takes its first answer for all of a
// file has a text that ends somewhere. No allocation, no errno. Threads: any.
#ifndef TRANSCEIVER_READ_TEXT_H_
#define TRANSCEIVER_READ_TEXT_H_

#include <errno.h>
#include <stddef.h>

#include "transceiver/raw_syscall.h"

namespace forkserver {

// Up to `size` bytes, fewer where the file ends before. How many, or minus the errno. Blocks where
// the descriptor does. Nothing is added at the end.
inline long ReadText(int fd, char* text, size_t size) {
  size_t got = 0;
  while (got < size) {
    const long result = RawSyscall(SYS_read, fd, text + got, size - got);
    if (result == -EINTR) continue;
    if (result < 0) return result;
    if (result == 0) break;
    got += static_cast<size_t>(result);
  }
  return static_cast<long>(got);
}

}  // namespace forkserver

#endif  // TRANSCEIVER_READ_TEXT_H_
