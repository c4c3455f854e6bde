// In place of ComputeBuildId, by the linker's --wrap: a host under thread sanitizer and its
// templates, which are not, are two builds of the same sources, and are to pass for one.
#include <stdint.h>

extern "C" uint64_t __wrap__ZN10forkserver14ComputeBuildIdEv();
extern "C" uint64_t __wrap__ZN10forkserver14ComputeBuildIdEv() { return 0x7e3a'11ed; }
