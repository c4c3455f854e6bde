// Memory is frozen in bounded pieces: there is never a second copy of all of it.
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <string>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/freeze_engine.h"
#include "preload/freeze/frozen_memory.h"
#include "tests/preload/freeze/victim.h"

namespace forkserver::testing {
namespace {

// What the freeze's memfd takes: it is open in the process that freezes, for as long as it does.
uint64_t BytesOfFile(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> files(opendir(folder.c_str()), closedir);
  if (files == nullptr) return 0;
  while (const dirent* entry = readdir(files.get())) {
    const std::string path = folder + "/" + entry->d_name;
    char target[256] = {};
    if (readlink(path.c_str(), target, sizeof(target) - 1) < 0) continue;
    if (std::string_view(target).find(kFrozenMemoryName) == std::string_view::npos) continue;
    struct stat status;
    if (stat(path.c_str(), &status) == 0) return static_cast<uint64_t>(status.st_blocks) * 512;
  }
  return 0;
}

struct Peak {
  std::atomic<uint64_t> bytes;
  std::atomic<int> samples;  // with the file there
};

VICTIM_TEST(FreezePeak, IsAChunkAboveWhatWasThereBefore) {
  constexpr size_t kSize = 384 * kMiB;
  char* const memory = MapMemory(kSize);
  memset(memory, 'x', kSize);
  Peak* const peak =
      new (mmap(nullptr, sizeof(Peak), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
          Peak();
  const uint64_t before = StatusBytes(0, "status", "RssAnon:");
  const pid_t observer = fork();
  if (observer == 0) {
    munmap(memory, kSize);
    const pid_t observed = getppid();
    for (;;) {
      const uint64_t file = BytesOfFile(observed);
      const uint64_t anonymous = StatusBytes(observed, "status", "RssAnon:");
      if (file == 0) continue;
      peak->bytes = std::max<uint64_t>(peak->bytes, file + anonymous);
      ++peak->samples;
    }
  }
  const FreezeReport report = Freeze();
  kill(observer, SIGKILL);
  waitpid(observer, nullptr, 0);
  EXPECT_GE(report.bytes, kSize);
  if (peak->samples < 3) GTEST_SKIP() << "the observer did not get to see it";
  // The two numbers of a sample are of two moments, between which a chunk may have moved.
  EXPECT_LE(peak->bytes, before + 3 * kFreezeChunk);
  EXPECT_GE(peak->bytes, kSize);
}

}  // namespace
}  // namespace forkserver::testing
