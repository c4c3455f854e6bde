// A test whose body runs in a process of its own, which it may freeze and fork from:
//
//     VICTIM_TEST(Freeze, KeepsTheHeap) {
//       const std::string text(1 << 20, 'x');
//       ASSERT_TRUE(Freeze().frozen());
//       EXPECT_TRUE(ChildPasses([&] { EXPECT_EQ(text[7], 'x'); }));
//     }
//
// The runner executes this program again for that one test, with a variable in the environment, and
// is never frozen or forked itself. What the body skips or fails, the test skips or fails. Under
// the sanitizers that keep shadow memory the freeze is off, and no body runs.
#ifndef TESTS_PRELOAD_FREEZE_VICTIM_H_
#define TESTS_PRELOAD_FREEZE_VICTIM_H_

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"

namespace forkserver::testing {

// `environment` is added to the victim's: "LD_PRELOAD=...".
void RunInVictim(void (*body)(), const std::vector<std::string>& environment);

#define VICTIM_TEST_WITH(suite, name, ...)                                                         \
  static void suite##_##name##_Body();                                                             \
  TEST(suite, name) { ::forkserver::testing::RunInVictim(&suite##_##name##_Body, {__VA_ARGS__}); } \
  static void suite##_##name##_Body()
#define VICTIM_TEST(suite, name) VICTIM_TEST_WITH(suite, name)

// FreezeMemory, and a failed expectation where it did not freeze.
FreezeReport Freeze();

// Forks; whether the child ran `body` to its end without a failed expectation. Says how it died.
::testing::AssertionResult ChildPasses(const std::function<void()>& body);

// Forks a child that asks for this process's frozen memory, which asking would change.
uint64_t AnonymousBytesOfFrozenMemory();

// A line of /proc/PID/status or smaps_rollup, in bytes ("RssAnon:").
uint64_t StatusBytes(int pid, const std::string& file, const std::string& key);

// Anonymous memory, zeroed.
char* MapMemory(size_t size, int extra_flags = 0);

// How many of these bytes are not `byte`.
size_t CountOthers(const char* data, size_t size, char byte);

inline constexpr size_t kMiB = size_t{1} << 20;

}  // namespace forkserver::testing

#endif  // TESTS_PRELOAD_FREEZE_VICTIM_H_
