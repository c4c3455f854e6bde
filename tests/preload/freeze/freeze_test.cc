// What the freeze keeps, what it leaves out, and what it costs.
#include "preload/freeze/freeze.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <unordered_map>

#include "gtest/gtest.h"
#include "preload/freeze/glibc_allocator.h"
#include "tests/preload/freeze/victim.h"

namespace forkserver::testing {
namespace {

VICTIM_TEST(Freeze, AHeapThatWasBuiltBeforeIsThereAfterwards) {
  PrepareAllocatorForFreeze();
  std::unordered_map<int, std::string> map;
  for (int i = 0; i < 100'000; ++i)
    map.emplace(i, std::to_string(i) + " and a text of some length");
  const FreezeReport report = Freeze();
  puts(report.ToString().c_str());
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(map[i], std::to_string(i) + " and a text of some length");
  }
  EXPECT_TRUE(ChildPasses([&] {
    for (int i = 0; i < 100'000; ++i) map[-i - 1] = "x";
    EXPECT_EQ(map.size(), 200'000u);
    EXPECT_EQ(map[99'999], "99999 and a text of some length");
  }));
}

}  // namespace
}  // namespace forkserver::testing
