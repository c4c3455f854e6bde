#include "transceiver/launch_clock.h"

#include <dlfcn.h>

namespace forkserver {

LaunchClock LaunchClock::Find() {
  LaunchClock clock;
  // The kernel maps it into every process; vdso(7) has its name on each machine.
#if defined(__aarch64__)
  constexpr char kFunction[] = "__kernel_clock_gettime";
#else
  constexpr char kFunction[] = "__vdso_clock_gettime";
#endif
  void* const vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (vdso == nullptr) return clock;
  if (void* const function = dlsym(vdso, kFunction)) {
    clock.clock_gettime_ = reinterpret_cast<ClockGettime>(function);
  }
  dlclose(vdso);
  return clock;
}

}  // namespace forkserver
