#include "tests/forkserver/report/counting_program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>

#include "child/flight/crash_handler.h"

namespace forkserver::testing {
namespace {

void Tell(ChildContext& context) {
  const char byte = 1;
  if (send(context.channel.fd(), &byte, 1, MSG_NOSIGNAL) != 1) _exit(99);
}

// False: the host has hung up.
bool AwaitByte(ChildContext& context) {
  char byte;
  return recv(context.channel.fd(), &byte, 1, 0) == 1;
}

void CountInto(const ChildContext& context, Tally::Words& words, uint64_t times) {
  for (uint64_t i = 1; i <= times; ++i) {
    words.begun.store(i, std::memory_order_relaxed);
    context.telemetry.Add(kTicks);
    words.done.store(i, std::memory_order_relaxed);
  }
}

int CountForever(ChildContext& context, uint64_t times, size_t threads) {
  void* const memory =
      mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED, kTallyFd, 0);
  if (memory == MAP_FAILED || threads > Tally::kMostThreads) return 98;
  Tally& tally = *static_cast<Tally*>(memory);
  Tell(context);
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i) {
    others.emplace_back([&, i] { CountInto(context, tally.threads[i], times); });
  }
  CountInto(context, tally.threads[0], times);
  for (std::thread& other : others) other.join();
  Tell(context);
  AwaitByte(context);
  return 0;
}

int SayEvents(ChildContext& context, int count) {
  int said = 0;
  do {
    for (int i = 0; i < count; ++i) {
      context.telemetry.Event(kSaid, "event " + std::to_string(said++));
    }
    Tell(context);
  } while (AwaitByte(context));
  return 0;
}

}  // namespace

std::vector<MetricRow> CountingMetrics() {
  return {{kTicks, MetricKind::kCounter, "ticks"},
          {kSizes, MetricKind::kHistogram, "sizes", {9, 99}},
          {kSaid, MetricKind::kEvent, "said"}};
}

int CountingProgram::Run(ChildContext& context) {
  const std::string_view way = context.argv[0];
  const uint64_t n = context.argv[1] != nullptr ? strtoull(context.argv[1], nullptr, 10) : 0;
  if (way == "forever") {
    const bool has_threads = context.argv[1] != nullptr && context.argv[2] != nullptr;
    return CountForever(context, n, has_threads ? strtoull(context.argv[2], nullptr, 10) : 1);
  }
  if (way == "kill" || way == "crash") {
    for (uint64_t i = 0; i < n; ++i) context.telemetry.Add(kTicks);
    if (way == "kill") kill(getpid(), SIGKILL);
    *reinterpret_cast<volatile int*>(0x10) = 1;
  }
  if (way == "record") {
    for (uint64_t i = 0; i < n; ++i) context.telemetry.Record(kSizes, i);
  }
  if (way == "events") return SayEvents(context, static_cast<int>(n));
  if (way == "misuse") context.telemetry.Add(kSizes);
  if (way == "lie")
    memset(static_cast<void*>(&crash_record()->telemetry), 0xff, sizeof(TelemetryArea));
  if (way == "refused") return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? 0 : 97;
  return 0;
}

}  // namespace forkserver::testing
