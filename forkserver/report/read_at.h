// Reads a piece of a file as a whole.
//
//     if (const int error = ReadAt(fd, &header, sizeof(header), 0); error != 0) ...
//
// Threads: any.
#ifndef FORKSERVER_REPORT_READ_AT_H_
#define FORKSERVER_REPORT_READ_AT_H_

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

namespace forkserver {

// 0, or the errno of pread(2); EIO where the file ends before.
inline int ReadAt(int fd, void* to, size_t size, uint64_t offset) {
  for (size_t done = 0; done < size;) {
    const ssize_t got =
        pread(fd, static_cast<char*>(to) + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EIO;
    done += static_cast<size_t>(got);
  }
  return 0;
}

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_READ_AT_H_
