#include "tests/forkserver/report/dirtying_program.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <string_view>
#include <thread>

#include "transceiver/messages.h"
#include "transceiver/packet.h"

extern "C" char dirtied_library_pages[];

namespace forkserver::testing {
namespace {

constexpr size_t kPage = 4096;
constexpr uint16_t kDone = kFirstApplicationType;

// Of malloc, and small enough to be on the heap.
char* block = nullptr;
char* mapping = nullptr;

char* FirstPage(char* memory) {
  return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory) + kPage - 1) & ~(kPage - 1));
}

void WriteTo(char* memory, size_t pages) {
  for (size_t i = 0; i < pages; ++i) FirstPage(memory)[i * kPage] = static_cast<char>(77 + i);
}

char* Map(size_t pages, int flags, void* where = nullptr) {
  void* const memory = mmap(where, pages * kPage, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (memory == MAP_FAILED) abort();
  return static_cast<char*>(memory);
}

int64_t ProcessorNanos() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * 1'000'000'000 + used.tv_nsec;
}

void Do(std::string_view what, size_t count) {
  if (what == "fresh") WriteTo(Map(count + 1, 0), count);
  if (what == "heap") WriteTo(block, count);
  if (what == "library") WriteTo(dirtied_library_pages, count);
  if (what == "same") {
    volatile char* const place = FirstPage(block);
    *place = *place;
  }
  if (what == "unmap") WriteTo(Map(kWarmPages, MAP_FIXED, mapping), kWarmPages - 1);
  for (size_t i = 0; what == "threads" && i < count; ++i) {
    std::thread([] {
      for (;;) pause();
    }).detach();
  }
  for (size_t i = 0; what == "descriptors" && i < count; ++i) {
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) abort();
  }
  // In the program, and hardly in the kernel.
  while (what == "spin" && ProcessorNanos() < 50'000'000) {
    for (int i = 0; i < 100'000; ++i) asm volatile("");
  }
}

}  // namespace

absl::Status WarmUpMemory() {
  block = static_cast<char*>(malloc((kWarmPages + 1) * kPage));
  memset(block, 'b', (kWarmPages + 1) * kPage);
  memset(dirtied_library_pages, 'l', kWarmPages * kPage);
  mapping = Map(kWarmPages, 0);
  memset(mapping, 'm', kWarmPages * kPage);
  return absl::OkStatus();
}

int DirtyingProgram::Run(ChildContext& context) {
  Do(context.argv[0], context.argv.size() > 1 ? static_cast<size_t>(atoi(context.argv[1])) : 0);
  if (context.channel.Send({.type = kDone}) != 0) return 1;
  while (context.channel.Receive() == ReceiveOutcome::kMessage) {
  }
  return 0;
}

absl::StatusOr<LaunchedChild> LaunchAndWait(ForkServer& server, std::vector<std::string> argv,
                                            LaunchWay way, std::string_view template_name) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest,
                     .argv = std::move(argv),
                     .way = way,
                     .template_name = std::string(template_name)});
  if (!child.ok()) return child;
  uint8_t buffer[16];
  Packet packet(buffer);
  if (ReceivePacket(child->socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return absl::InternalError("the child did not say that it is done");
  }
  return child;
}

}  // namespace forkserver::testing
