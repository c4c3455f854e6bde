#include "tests/preload/freeze/victim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "preload/freeze/frozen_memory.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

constexpr char kVictimVariable[] = "FORKSERVER_VICTIM";

std::string TestName() {
  const ::testing::TestInfo* info = ::testing::UnitTest::GetInstance()->current_test_info();
  return std::string(info->test_suite_name()) + "." + info->name();
}

}  // namespace

void RunInVictim(void (*body)(), const std::vector<std::string>& environment) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // There is nothing to be tested where the freeze is off, but that it is.
  EXPECT_EQ(FreezeMemory({}).method, FreezeMethod::kOff);
  return;
#endif
  if (getenv(kVictimVariable) != nullptr) {
    body();
    return;
  }
  std::vector<std::string> added = environment;
  added.push_back(std::string(kVictimVariable) + "=1");
  const ProgramResult result = RunProgram({.argv = {"victim", "--gtest_filter=" + TestName()},
                                           .path = "/proc/self/exe",
                                           .environment = VictimEnvironment(added)});
  const size_t skipped = result.output.find("Skipped\n");
  if (result.exit_code == 0 && skipped != std::string::npos) {
    GTEST_SKIP() << result.output.substr(skipped, 200);
  }
  EXPECT_EQ(result.exit_code, 0) << "the victim " << result.how << "\n"
                                 << result.output << result.errors;
  if (getenv("FORKSERVER_VERBOSE") != nullptr) printf("%s", result.output.c_str());
}

FreezeReport Freeze() {
  const FreezeReport report = FreezeMemory({});
  EXPECT_TRUE(report.frozen()) << report.ToString();
  return report;
}

::testing::AssertionResult ChildPasses(const std::function<void()>& body) {
  fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return ::testing::AssertionFailure() << "fork: " << strerror(errno);
  if (pid == 0) {
    body();
    fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) {
    return ::testing::AssertionFailure() << "waitpid: " << strerror(errno);
  }
  if (status == 0) return ::testing::AssertionSuccess();
  if (WIFSIGNALED(status)) {
    return ::testing::AssertionFailure() << "the child died of " << strsignal(WTERMSIG(status));
  }
  return ::testing::AssertionFailure() << "the child exited with " << WEXITSTATUS(status);
}

uint64_t AnonymousBytesOfFrozenMemory() {
  int answer[2];
  if (pipe(answer) != 0) abort();
  const pid_t pid = fork();
  if (pid == 0) {
    const absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(getppid());
    uint64_t bytes = memory.ok() ? memory->anonymous_bytes : UINT64_MAX;
    if (memory.ok() && memory->mappings == 0) bytes = UINT64_MAX;  // nothing is frozen
    if (memory.ok() && bytes != 0) printf("%s", memory->written.c_str());
    fflush(stdout);
    _exit(write(answer[1], &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
  }
  uint64_t bytes = UINT64_MAX;
  if (read(answer[0], &bytes, sizeof(bytes)) != sizeof(bytes)) bytes = UINT64_MAX;
  waitpid(pid, nullptr, 0);
  close(answer[0]);
  close(answer[1]);
  return bytes;
}

uint64_t StatusBytes(int pid, const std::string& file, const std::string& key) {
  std::ifstream in("/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid)) + "/" + file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key)) return strtoull(line.c_str() + key.size(), nullptr, 10) * 1024;
  }
  return UINT64_MAX;
}

size_t CountOthers(const char* data, size_t size, char byte) {
  // Fast where nothing is wrong, also in a build without optimization.
  if (data[0] == byte && memcmp(data, data + 1, size - 1) == 0) return 0;
  size_t others = 0;
  for (size_t i = 0; i < size; ++i) others += data[i] != byte;
  return others;
}

char* MapMemory(size_t size, int extra_flags) {
  void* const address =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
  if (address == MAP_FAILED) abort();
  return static_cast<char*>(address);
}

}  // namespace forkserver::testing
