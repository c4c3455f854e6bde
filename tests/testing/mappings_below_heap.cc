#include "tests/testing/mappings_below_heap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace forkserver::testing {
namespace {

[[noreturn]] void Fail(const char* what) {
  perror(what);
  abort();
}

// Set in what is exec'ed: where it did not help, it would be done for ever.
constexpr char kAgainVariable[] = "FORKSERVER_TEST_EXECED_AGAIN";

[[noreturn]] void ExecAgain() {
  if (getenv(kAgainVariable) != nullptr) Fail("exec'ed again, and as before");
  setenv(kAgainVariable, "1", 1);
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string one; std::getline(file, one, '\0');) arguments.push_back(one);
  std::vector<char*> argv;
  for (std::string& one : arguments) argv.push_back(one.data());
  argv.push_back(nullptr);
  execv("/proc/self/exe", argv.data());
  Fail("execv");
}

}  // namespace

void HaveMappingsBelowTheHeapByPersonality() {
  const int now = personality(0xffffffff);
  if (now >= 0 && (now & ADDR_COMPAT_LAYOUT) != 0) return;
  if (now < 0 || personality(static_cast<unsigned>(now) | ADDR_COMPAT_LAYOUT) < 0) {
    Fail("personality");
  }
  ExecAgain();
}

void HaveMappingsBelowTheHeapByUnlimitedStack() {
  rlimit stack;
  if (getrlimit(RLIMIT_STACK, &stack) != 0) Fail("getrlimit");
  if (stack.rlim_cur == RLIM_INFINITY) return;
  stack = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  if (setrlimit(RLIMIT_STACK, &stack) != 0) Fail("setrlimit RLIMIT_STACK");
  ExecAgain();
}

bool MappingsLieBelowTheHeap() {
  void* const address = mmap(nullptr, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) Fail("mmap");
  munmap(address, 1);
  return reinterpret_cast<uintptr_t>(address) < reinterpret_cast<uintptr_t>(sbrk(0));
}

}  // namespace forkserver::testing
