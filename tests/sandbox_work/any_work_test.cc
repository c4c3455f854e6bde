// What each program does, whatever it is for: allocate, throw, print, look at the clock, end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_policy.h"
#include "tests/sandbox_work/work_host.h"

namespace forkserver {
namespace {

using sandbox_work::Check;
using sandbox_work::Do;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::Work;
using sandbox_work::WorkHost;
using testing::HostSetup;

constexpr size_t kMiB = size_t{1} << 20;

std::string Allocate(ChildContext&) {
  // By brk, by mmap, growing in both, shrunk and given back.
  size_t sum = 0;
  for (const size_t size : {size_t{100}, size_t{100'000}, 16 * kMiB}) {
    auto* block = static_cast<uint8_t*>(malloc(size));
    if (block == nullptr) Fail("malloc");
    for (size_t i = 0; i < size; i += 4096) block[i] = 1;
    for (int times = 0; times < 8; ++times) {
      auto* const grown = static_cast<uint8_t*>(realloc(block, size + size / 8 * times));
      if (grown == nullptr) Fail("realloc");
      block = grown;
    }
    for (size_t i = 0; i < size; i += 4096) sum += block[i];
    free(realloc(block, size / 2));
  }
  const std::unique_ptr<char[]> large(new char[100 * kMiB]());
  for (size_t i = 0; i < 100 * kMiB; i += kMiB) sum += static_cast<size_t>(large[i]);
  std::vector<int> numbers(100'000);
  std::minstd_rand random(1);
  std::generate(numbers.begin(), numbers.end(), random);
  std::sort(numbers.begin(), numbers.end());
  if (!std::is_sorted(numbers.begin(), numbers.end())) Fail("not sorted");
  return std::to_string(sum);
}

std::string Throw(ChildContext&) {
  for (int depth = 0; depth < 1000; ++depth) {
    try {
      if (depth == 999) throw std::out_of_range("caught");
      throw depth;
    } catch (const std::out_of_range& error) {
      return error.what();
    } catch (int) {
    }
  }
  return "not thrown";
}

// More than any policy's limit, in pieces, each of which is touched a little only.
std::string AllocateTooMuch(ChildContext&) {
  std::vector<std::unique_ptr<char[]>> pieces;
  try {
    for (;;) {
      pieces.push_back(std::make_unique_for_overwrite<char[]>(64 * kMiB));
      if (pieces.size() > 512) return "no limit";
    }
  } catch (const std::bad_alloc& error) {
    const size_t had = pieces.size() * 64;
    pieces.clear();
    // It goes on.
    return absl::StrFormat("%s above %d GiB", error.what(), (had + 64) / 1024);
  }
}

std::string TellTime(ChildContext&) {
  const auto before = std::chrono::steady_clock::now();
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  if (now < 1'600'000'000) Fail("system_clock is wrong");
  std::random_device device;
  const unsigned first = device();
  bool differs = false;
  for (int i = 0; i < 8; ++i) differs |= device() != first;
  if (!differs) Fail("random_device repeats itself");
  return std::chrono::steady_clock::now() >= before ? "good" : "the clock went back";
}

std::string Print(ChildContext&) {
  printf("by printf %d\n", 1);
  std::cout << "by cout " << 2 << std::endl;
  std::string line;
  std::getline(std::cin, line);
  std::cerr << "by cerr " << line << "\n";
  puts("unflushed");
  return "printed";
}

std::string UseThreads(ChildContext&) {
  std::vector<std::thread> threads;
  std::vector<size_t> lengths(8);
  for (size_t i = 0; i < lengths.size(); ++i) {
    threads.emplace_back([i, &lengths] {
      thread_local std::string mine;
      for (int times = 0; times < 1000; ++times) mine += std::to_string(i);
      lengths[i] = mine.size();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return std::to_string(std::count(lengths.begin(), lengths.end(), 1000u));
}

std::string Crash(ChildContext&) {
  // What the compiler cannot see through.
  volatile uintptr_t nowhere = 16;
  return std::to_string(*reinterpret_cast<volatile int*>(nowhere));
}

std::string Abort(ChildContext&) { abort(); }

std::string EndBadly(ChildContext&) { _exit(42); }

// It has neither threads nor signals to itself.
bool IsComputeOnly(SandboxPolicyId policy) { return policy == SandboxPolicyId::kComputeOnly; }

// Of an address sanitizer's build: it does these in ways of its own.
constexpr bool kIsSanitized =
#ifdef __SANITIZE_ADDRESS__
    true;
#else
    false;
#endif

HOST_TEST(AnyWork, MemoryIsAllocatedGrownSortedAndGivenBack) {
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    EXPECT_EQ(Do(server, policy, "allocate"), "4122");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(AnyWork, AnExceptionIsCaught) {
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    EXPECT_EQ(Do(server, policy, "throw"), "caught");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(AnyWork, TheLimitOfMemoryIsAnExceptionThatIsCaught) {
  if (kIsSanitized) GTEST_SKIP() << "the sanitizer's malloc ends the process instead";
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    const SandboxLimits limits = MakeSandboxPolicy(policy).limits;
    const std::string said = Do(server, policy, "allocate too much");
    if (!limits.memory_bytes) {
      EXPECT_EQ(said, "no limit");
    } else {
      EXPECT_EQ(said, absl::StrFormat("std::bad_alloc above %d GiB", *limits.memory_bytes >> 30));
    }
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(AnyWork, ClocksAndRandomNumbersAreThere) {
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    EXPECT_EQ(Do(server, policy, "tell time"), "good");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

std::string ReadAll(int fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t size; (size = read(fd, chunk, sizeof(chunk))) > 0;) {
    text.append(chunk, static_cast<size_t>(size));
  }
  return text;
}

HOST_TEST(AnyWork, PrintsToAPipe) {
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    int in[2], out[2];
    ASSERT_EQ(pipe2(in, O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    const UniqueFd in_read(in[0]), out_read(out[0]);
    UniqueFd in_write(in[1]), out_write(out[1]);
    ASSERT_EQ(write(in_write.get(), "three\n", 6), 6);
    in_write.reset();
    EXPECT_EQ(Do(server, policy, "print",
                 {.stdio = {Stdio::Descriptor(in_read.get()), Stdio::Descriptor(out_write.get()),
                            Stdio::Descriptor(out_write.get())}}),
              "printed");
    out_write.reset();
    EXPECT_EQ(ReadAll(out_read.get()), "by printf 1\nby cout 2\nby cerr three\nunflushed\n");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(AnyWork, PrintsToAFile) {
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    // The one file is seekable and has a size, which stdio asks for; it is read back by both.
    const UniqueFd in(memfd_create("in", MFD_CLOEXEC)), out(memfd_create("out", MFD_CLOEXEC));
    ASSERT_EQ(pwrite(in.get(), "three\nmore\n", 11, 0), 11);
    EXPECT_EQ(Do(server, policy, "print",
                 {.stdio = {Stdio::Descriptor(in.get()), Stdio::Descriptor(out.get()),
                            Stdio::Descriptor(out.get())}}),
              "printed");
    ASSERT_EQ(lseek(out.get(), 0, SEEK_SET), 0);
    EXPECT_EQ(ReadAll(out.get()), "by printf 1\nby cout 2\nby cerr three\nunflushed\n");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(AnyWork, ThreadsAreMadeWhereThePolicyHasThem) {
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    if (IsComputeOnly(policy)) continue;
    SCOPED_TRACE(SandboxPolicyName(policy));
    EXPECT_EQ(Do(server, policy, "use threads"), "8");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(AnyWork, AThreadThatThePolicyHasNotIsAnException) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kComputeOnly, "use threads"), "Operation not permitted");
  EXPECT_THAT(RefusedCalls(server), ::testing::HasSubstr("clone"));
}

HOST_TEST(AnyWork, TheHostSeesHowItEnded) {
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    if (!kIsSanitized) {
      EXPECT_EQ(Do(server, policy, "crash"), "(nothing said); killed by SIGSEGV");
      // Where a signal to itself is refused, glibc's abort goes on to an instruction that ends it.
      EXPECT_EQ(Do(server, policy, "abort"), IsComputeOnly(policy)
                                                 ? "(nothing said); killed by SIGSEGV"
                                                 : "(nothing said); killed by SIGABRT");
    }
    EXPECT_EQ(Do(server, policy, "end badly"), "(nothing said); exited with status 42");
  }
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  const std::span<const SandboxPolicyId> all = SandboxPolicies();
  return WorkHost({{"allocate", Allocate},
                   {"throw", Throw},
                   {"allocate too much", AllocateTooMuch},
                   {"tell time", TellTime},
                   {"print", Print},
                   {"use threads", UseThreads},
                   {"crash", Crash},
                   {"abort", Abort},
                   {"end badly", EndBadly}},
                  {all.begin(), all.end()});
}

}  // namespace forkserver
