// Files of the calling process in /proc, also once /proc is out of its sight.
//
//     UniqueFd proc_self(open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
//     ...an empty root...
//     const int maps = OpenInOwnProc(proc_self.get(), "maps", O_RDONLY);
//
// A process that keeps such a directory open sees more than its sandbox should allow: it is closed
// before the first fork. Threads: any.
#ifndef PRELOAD_OWN_PROC_H_
#define PRELOAD_OWN_PROC_H_

#include <fcntl.h>

#include <string>

namespace forkserver {

// Where /proc/self is found by its name.
inline constexpr int kProcByName = -1;

// open(2), close-on-exec; minus one and errno. Allocates.
inline int OpenInOwnProc(int proc_self, const char* name, int flags) {
  if (proc_self != kProcByName) return openat(proc_self, name, flags | O_CLOEXEC);
  return open((std::string("/proc/self/") + name).c_str(), flags | O_CLOEXEC);
}

}  // namespace forkserver

#endif  // PRELOAD_OWN_PROC_H_
