// What draws, on the screen and before the eyes: devices by the broker, drivers that are libraries,
// and code that is made as it is needed.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/sandbox_work/work_host.h"
#include "transceiver/errno_status.h"
#include "transceiver/mapping.h"

namespace forkserver {
namespace {

using sandbox_work::Do;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::WorkHost;
using testing::HostSetup;

constexpr std::array kDrawing = {SandboxPolicyId::kGpu, SandboxPolicyId::kVr};

std::string Open(const char* path) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  return fd.is_open() ? "open" : ErrnoName(errno);
}

std::string OpenDevice(ChildContext& context) { return Open(context.argv[1]); }

std::string LoadDriver(ChildContext& context) {
  return dlopen(context.argv[1], RTLD_NOW) != nullptr ? "loaded" : dlerror();
}

std::string MakeCode(ChildContext&) {
#ifdef __x86_64__
  constexpr uint8_t kReturn42[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov eax, 42; ret
#else
  constexpr uint32_t kReturn42[] = {0x52800540, 0xd65f03c0};  // mov w0, 42; ret
#endif
  Mapping code;
  if (code.Map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1) != 0) Fail("mmap");
  uint8_t* const start = code.bytes().data();
  memcpy(start, kReturn42, sizeof(kReturn42));
  __builtin___clear_cache(reinterpret_cast<char*>(start), reinterpret_cast<char*>(start) + 4096);
  if (mprotect(start, 4096, PROT_READ | PROT_EXEC) != 0) return "mprotect: " + ErrnoName(errno);
  return std::to_string(reinterpret_cast<int (*)()>(start)());
}

HOST_TEST(DeviceWork, ADeviceIsOpenedByTheBrokerOrIsNotThere) {
  for (const SandboxPolicyId policy : kDrawing) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    for (const char* const path : {"/dev/dri", "/dev/dri/card0", "/dev/dri/renderD128",
                                   "/dev/nvidiactl", "/sys/class/drm", "/dev/null"}) {
      EXPECT_EQ(Do(server, policy, "open", {.argv = {"", path}}), Open(path)) << path;
    }
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

// A headset's is the embedder's to name; to others it is like a keyboard.
HOST_TEST(DeviceWork, AnInputDeviceIsRefusedWhetherItIsThereOrNot) {
  for (const SandboxPolicyId policy : kDrawing) {
    EXPECT_EQ(Do(server, policy, "open", {.argv = {"", "/dev/hidraw0"}}), "EACCES");
    EXPECT_EQ(Do(server, policy, "open", {.argv = {"", "/dev/input/event0"}}), "EACCES");
  }
}

HOST_TEST(DeviceWork, ADriverIsLoadedByName) {
  for (const SandboxPolicyId policy : kDrawing) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    // One of glibc's that nothing here is linked with.
    EXPECT_EQ(Do(server, policy, "load driver", {.argv = {"", "libanl.so.1"}}), "loaded");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(DeviceWork, AShaderIsCompiledAndRuns) {
  for (const SandboxPolicyId policy : kDrawing) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    EXPECT_EQ(Do(server, policy, "make code"), "42");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  return WorkHost({{"open", OpenDevice}, {"load driver", LoadDriver}, {"make code", MakeCode}},
                  {kDrawing.begin(), kDrawing.end()});
}

}  // namespace forkserver
