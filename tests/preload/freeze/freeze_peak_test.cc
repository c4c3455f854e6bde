// Memory is frozen in bounded pieces: there is never a second copy of all of it.
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
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
  uint64_t bytes = 0;
  int samples = 0;  // with the file there
};

// Lets a stopped process run to its end, and looks at what memory it takes each time that it enters
// or leaves a system call: the freeze takes memory, and gives it back, by calls only. How it ended,
// as wait tells it.
int WatchToItsEnd(pid_t traced, Peak& peak) {
  for (int signal = 0;;) {
    if (ptrace(PTRACE_SYSCALL, traced, nullptr, signal) != 0) return -1;
    int status = 0;
    if (waitpid(traced, &status, 0) != traced) return -1;
    if (!WIFSTOPPED(status)) return status;
    signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    if (const uint64_t file = BytesOfFile(traced); file != 0) {
      peak.bytes = std::max(peak.bytes, file + StatusBytes(traced, "status", "RssAnon:"));
      ++peak.samples;
    }
  }
}

VICTIM_TEST(FreezePeak, IsAChunkAboveWhatWasThereBefore) {
  constexpr size_t kSize = 384 * kMiB;
  const pid_t traced = fork();
  if (traced == 0) {
    memset(MapMemory(kSize), 'x', kSize);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    EXPECT_GE(Freeze().bytes, kSize);
    fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(traced, &status, 0), traced);
  ASSERT_TRUE(WIFSTOPPED(status));
  const uint64_t before = StatusBytes(traced, "status", "RssAnon:");
  Peak peak;
  EXPECT_EQ(WatchToItsEnd(traced, peak), 0);
  EXPECT_GT(peak.samples, static_cast<int>(kSize / kFreezeChunk));
  EXPECT_LE(peak.bytes, before + kFreezeChunk + kFreezeChunk / 2);
  EXPECT_GE(peak.bytes, kSize);
}

}  // namespace
}  // namespace forkserver::testing
