#include "examples/browser_host/broken_tabs.h"

#include <stddef.h>
#include <stdlib.h>

#include <atomic>

#include "child/flight/crash_handler.h"

namespace browser_host {
namespace {

// Names that a report's stack shows.

[[gnu::noinline]] void CrashOfAboutCrash() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

[[gnu::noinline]] void HangOfAboutHang() {
  for (std::atomic<unsigned> turns{0};;) ++turns;
}

// Takes addresses and touches none of them, so that the machine does not feel it: the process's
// limit is one of what it may have, used or not.
[[gnu::noinline]] void ExhaustMemoryOfAboutOom() {
  constexpr size_t kPiece = size_t{64} << 20;
  while (malloc(kPiece) != nullptr) {
  }
  forkserver::SetCrashReason("out of memory: malloc of 64 MiB");
  abort();
}

}  // namespace

bool IsBrokenTab(std::string_view url) {
  return url == "about:crash" || url == "about:hang" || url == "about:oom";
}

void BreakFor(std::string_view url) {
  if (url == "about:crash") CrashOfAboutCrash();
  if (url == "about:hang") HangOfAboutHang();
  if (url == "about:oom") ExhaustMemoryOfAboutOom();
}

}  // namespace browser_host
