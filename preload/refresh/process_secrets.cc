#include "preload/refresh/process_secrets.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr size_t kRandomBytes = 16;  // of AT_RANDOM

struct FreshBytes {
  uintptr_t canary;
  uint8_t random[kRandomBytes];
};

// Inlined, since it must not be a frame of its own that is compared.
[[gnu::always_inline]] inline void SetCanary([[maybe_unused]] uintptr_t canary) {
#if defined(__x86_64__) && defined(__GLIBC__)
  // Its lowest byte is zero, as glibc's is: no string function reads or writes past that.
  canary &= ~uintptr_t{0xff};
  __asm__ volatile("movq %0, %%fs:0x28" : : "r"(canary) : "memory");
#endif
}

}  // namespace

// Here and not in the child: three pages of the C library that nothing else in it needs.
ProcessSecrets ProcessSecrets::Find() {
  ProcessSecrets found;
  found.at_random_ = reinterpret_cast<void*>(getauxval(AT_RANDOM));
  return found;
}

FORKSERVER_LAUNCH_PATH [[gnu::no_stack_protector]] int ProcessSecrets::Refresh() const {
  FreshBytes fresh;
  long got;
  do {
    got = RawSyscall(SYS_getrandom, &fresh, sizeof(fresh), 0);
  } while (got == -EINTR);  // early in a machine's life, when it waits
  if (got < 0) return static_cast<int>(-got);
  // Up to 256 bytes come whole (getrandom(2)).
  if (got != sizeof(fresh)) return EIO;
  if (at_random_ != nullptr) memcpy(at_random_, fresh.random, kRandomBytes);
  SetCanary(fresh.canary);
  return 0;
}

}  // namespace forkserver
