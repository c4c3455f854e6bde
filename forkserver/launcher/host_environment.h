// The environment that a host is started with: the launcher's own, and what is changed of it.
//
//     HostEnvironment environment;
//     if (!environment.Begin(environ, 2)) ...no memory...
//     environment.Set("FORKSERVER_SAFE_MODE", "1");
//     execve(path, argv, environment.pointers());
//
// Owns the array and the strings that it was told to set; the inherited strings stay the process's.
// Threads: one. No libstdc++: the launcher links libc only.
#ifndef FORKSERVER_LAUNCHER_HOST_ENVIRONMENT_H_
#define FORKSERVER_LAUNCHER_HOST_ENVIRONMENT_H_

#include <stddef.h>

namespace forkserver {

// One variable of the host's. Null removes it.
struct EnvironmentChange {
  const char* name = nullptr;
  const char* value = nullptr;
};

class HostEnvironment {
 public:
  HostEnvironment() = default;
  HostEnvironment(const HostEnvironment&) = delete;
  HostEnvironment& operator=(const HostEnvironment&) = delete;
  ~HostEnvironment();

  // A copy of `inherited` with room for so many new variables. False: no memory.
  [[nodiscard]] bool Begin(char** inherited, size_t most_changes);

  // Called after Begin, at most `most_changes` times. False: no memory.
  [[nodiscard]] bool Set(const char* name, const char* value);
  void Remove(const char* name);
  [[nodiscard]] bool Change(const EnvironmentChange& change);

  char** pointers() const { return entries_; }

 private:
  char** entries_ = nullptr;
  size_t count_ = 0;
  char** owned_ = nullptr;
  size_t owned_count_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_HOST_ENVIRONMENT_H_
