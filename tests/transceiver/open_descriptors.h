// How many descriptors this process has open, to be compared before and after:
//
//     const size_t before = OpenDescriptors();
//     ...
//     EXPECT_EQ(OpenDescriptors(), before);
//
// Threads: the answer is the whole process's, so nothing else may open or close meanwhile.
#ifndef TESTS_TRANSCEIVER_OPEN_DESCRIPTORS_H_
#define TESTS_TRANSCEIVER_OPEN_DESCRIPTORS_H_

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>

namespace forkserver {

inline size_t OpenDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) abort();
  size_t entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  // ".", ".." and the directory's own descriptor.
  return entries - 3;
}

inline bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

inline bool IsCloseOnExec(int fd) { return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_OPEN_DESCRIPTORS_H_
