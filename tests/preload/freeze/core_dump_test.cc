// The core of a frozen process holds the frozen memory.
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/glibc_allocator.h"
#include "tests/preload/freeze/victim.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

char text_in_data[] = "in .data, to be found in the core";

// An ELF core file.
class Core {
 public:
  explicit Core(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
  }
  bool is_there() const { return bytes_.size() >= sizeof(Elf64_Ehdr); }

  // The text that the process had at `address`; nothing if the core does not hold it.
  std::optional<std::string> TextAt(const void* address) const {
    Elf64_Ehdr header;
    memcpy(&header, bytes_.data(), sizeof(header));
    const uint64_t at = reinterpret_cast<uint64_t>(address);
    for (size_t i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr segment;
      memcpy(&segment, bytes_.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
      if (segment.p_type != PT_LOAD || at < segment.p_vaddr ||
          at >= segment.p_vaddr + segment.p_filesz) {
        continue;
      }
      return std::string(bytes_.c_str() + segment.p_offset + (at - segment.p_vaddr));
    }
    return std::nullopt;
  }

 private:
  std::string bytes_;
};

// What a debugger makes of the core: the frames of the child, by name.
std::string Backtrace(const std::string& core) {
  const ProgramResult result =
      RunProgram({.argv = {"gdb", "-batch", "-nx", "-ex", "backtrace",
                           std::filesystem::read_symlink("/proc/self/exe"), core},
                  .path = "/usr/bin/gdb"});
  return result.output;
}

[[gnu::noinline]] void InnerFrameOfTheCrash(const char* why) {
  if (why != nullptr) abort();
}

[[gnu::noinline]] void OuterFrameOfTheCrash(const char* why) {
  InnerFrameOfTheCrash(why);
  __asm__ volatile("");  // no tail call
}

VICTIM_TEST(CoreDump, HoldsTheFrozenHeapTheDataTheStackAndAReadableBacktrace) {
  std::ifstream pattern_file("/proc/sys/kernel/core_pattern");
  std::string pattern;
  std::getline(pattern_file, pattern);
  if (pattern.empty() || pattern.find('/') != pattern.npos || pattern[0] == '|') {
    GTEST_SKIP() << "cores do not go to the working directory here: core_pattern is " << pattern;
  }
  rlimit limit;
  getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "the limit of core files is set";
  ASSERT_EQ(setrlimit(RLIMIT_CORE, &limit), 0);
  const char* temporary = getenv("TMPDIR");
  std::string folder = std::string(temporary != nullptr ? temporary : "/tmp") + "/core-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);

  PrepareAllocatorForFreeze();
  char* const large = MapMemory(4 * kMiB);
  memset(large, 'x', 4 * kMiB);
  strcpy(large + 3 * kMiB, "in a large mapping, never touched by the child");
  char* const heap = strdup("on the heap");
  char on_stack[] = "on the stack";
  const FreezeReport report = Freeze();
  EXPECT_EQ(report.coredump_filter_error, 0);
  fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    if (chdir(folder.c_str()) != 0) _exit(1);
    OuterFrameOfTheCrash(heap);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  std::string path = folder + "/core";
  if (access(path.c_str(), R_OK) != 0) path += "." + std::to_string(pid);
  const Core core(path);
  const std::string backtrace = Backtrace(path);
  unlink(path.c_str());
  rmdir(folder.c_str());
  ASSERT_TRUE(core.is_there()) << "no core in " << folder;
  const size_t inner = backtrace.find("InnerFrameOfTheCrash");
  const size_t outer = backtrace.find("OuterFrameOfTheCrash");
  EXPECT_NE(outer, backtrace.npos) << backtrace;
  EXPECT_LT(inner, outer) << backtrace;
  EXPECT_NE(backtrace.find(" main "), backtrace.npos) << backtrace;
  EXPECT_EQ(core.TextAt(heap), "on the heap");
  EXPECT_EQ(core.TextAt(on_stack), "on the stack");
  EXPECT_EQ(core.TextAt(text_in_data), text_in_data);
  EXPECT_EQ(core.TextAt(large + 3 * kMiB), "in a large mapping, never touched by the child");
}

}  // namespace
}  // namespace forkserver::testing
