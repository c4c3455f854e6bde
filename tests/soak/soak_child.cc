#include "tests/soak/soak_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <string_view>

#include "tests/soak/mix.h"

namespace forkserver::soak {
namespace {

void Crash() {
  // A sanitizer's own handler would make an exit of it.
  signal(SIGSEGV, SIG_DFL);
  volatile uintptr_t unmapped = 16;
  *reinterpret_cast<volatile char*>(unmapped) = 1;
}

void HangUp(ChildContext& context) {
  context.channel.TakeSocket();
  char byte;
  while (read(kHoldDescriptor, &byte, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

int SoakChild::Run(ChildContext& context) {
  const std::string_view conduct = context.argv[1];
  if (conduct == NameOf(Conduct::kCrash)) Crash();
  if (conduct == NameOf(Conduct::kHangUp)) HangUp(context);
  while (conduct == NameOf(Conduct::kHang)) poll(nullptr, 0, -1);
  return atoi(context.argv[2]);
}

}  // namespace forkserver::soak
