// What a template's children must not have, or must not have from a file: the freeze leaves it
// where it is, the Hello lists it, and each child finds it as the kernel promised.
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "preload/wiped_memory.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::StatusOf;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kFreezes = false;
#else
constexpr bool kFreezes = true;
#endif

constexpr size_t kBytes = 64 * 1024;

// Of warm-ups, each filled with 's'.
WipedMemory* wiped = nullptr;
uint8_t* not_inherited = nullptr;
uint8_t* locked = nullptr;

uint8_t* MapPages() {
  void* const memory =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<uint8_t*>(memory);
}

absl::Status Wipe() {
  absl::StatusOr<WipedMemory> memory = WipedMemory::Create(kBytes);
  if (!memory.ok()) return memory.status();
  memset(memory->bytes().data(), 's', kBytes);
  wiped = new WipedMemory(*std::move(memory));
  return absl::OkStatus();
}

absl::Status DoNotInherit() {
  not_inherited = MapPages();
  memset(not_inherited, 's', kBytes);
  return madvise(not_inherited, kBytes, MADV_DONTFORK) == 0 ? absl::OkStatus()
                                                            : absl::InternalError("madvise");
}

absl::Status Lock() {
  locked = MapPages();
  memset(locked, 's', kBytes);
  return mlock(locked, kBytes) == 0 ? absl::OkStatus() : absl::InternalError("mlock");
}

bool IsFilled(const uint8_t* memory, uint8_t byte) {
  return std::all_of(memory, memory + kBytes, [byte](uint8_t one) { return one == byte; });
}

bool IsMapped(const uint8_t* memory) {
  unsigned char residency[kBytes / 4096];
  return mincore(const_cast<uint8_t*>(memory), kBytes, residency) == 0;
}

// Sends "" or what is not as it should be.
class Looker : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    const std::string answer = Look(context.argv[0]);
    const auto* bytes = reinterpret_cast<const uint8_t*>(answer.data());
    return context.channel.Send({.type = testing::kEcho}, {bytes, answer.size()}) == 0 ? 0 : 1;
  }

 private:
  static std::string Look(std::string_view what) {
    if (what == "wiped") {
      if (!IsFilled(wiped->bytes().data(), 0)) return "not zeroed";
      memset(wiped->bytes().data(), 'c', kBytes);  // for the next one not to see
    }
    if (what == "not inherited" && IsMapped(not_inherited)) return "mapped";
    if (what == "locked" && !IsFilled(locked, 's')) return "other bytes";
    return "";
  }
};

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<Looker>}};
  setup.options.warm_ups = {{"wiped", Wipe}, {"not inherited", DoNotInherit}, {"locked", Lock}};
  // A child of the root like any other.
  setup.options.templates = {{.name = "nested"}};
  return setup;
}

namespace {

std::string SeenInAChild(ForkServer& server, const std::string& what, const std::string& name) {
  const absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {what}, .template_name = name});
  if (!child.ok()) return child.status().ToString();
  uint8_t buffer[256];
  Packet packet(buffer);
  if (ReceivePacket(child->socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "the child died";
  }
  return {packet.payload().begin(), packet.payload().end()};
}

uint64_t LeftOutBytes(const ForkServer& server, LeaveOutReason why) {
  uint64_t bytes = 0;
  for (const FreezeReport::LeftOut& entry : StatusOf(server, "root").hello.freeze.left_out()) {
    if (entry.why == why) bytes += entry.bytes;
  }
  return bytes;
}

void ExpectLeftOut(ForkServer& server, const std::string& what, LeaveOutReason why) {
  for (const WarmUpReport& report : StatusOf(server, "root").hello.warm_ups) {
    if (report.name == what && !report.error.empty()) GTEST_SKIP() << what << ": " << report.error;
  }
  for (const char* name : {"root", "root", "nested"}) {
    EXPECT_EQ(SeenInAChild(server, what, name), "") << name;
  }
  if (!kFreezes) return;
  EXPECT_EQ(LeftOutBytes(server, why), kBytes) << StatusOf(server, "root").hello.freeze.ToString();
}

HOST_TEST(LeftOutMemory, ThatIsWipedIsZeroInChildrenAndListed) {
  ExpectLeftOut(server, "wiped", LeaveOutReason::kWipeOnFork);
}

HOST_TEST(LeftOutMemory, ThatIsNotInheritedIsNotMappedInChildrenAndListed) {
  ExpectLeftOut(server, "not inherited", LeaveOutReason::kDontFork);
}

HOST_TEST(LeftOutMemory, ThatIsLockedHasItsBytesInChildrenAndIsListed) {
  ExpectLeftOut(server, "locked", LeaveOutReason::kLocked);
}

}  // namespace
}  // namespace forkserver
