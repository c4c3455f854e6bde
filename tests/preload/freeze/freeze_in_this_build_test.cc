// Whether the freeze is on in this build: off under the sanitizers that keep shadow memory, on
// otherwise. Nothing is forked, so that it runs in each of them.
#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"

namespace forkserver {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr char kWhyOff[] = "off: address sanitizer";
#elif defined(__SANITIZE_THREAD__)
constexpr char kWhyOff[] = "off: thread sanitizer";
#else
constexpr char kWhyOff[] = "";
#endif
constexpr bool kIsOff = kWhyOff[0] != '\0';

TEST(FreezeInThisBuild, IsOffWhereNobodyAskedForIt) {
  const FreezeReport report = FreezeMemory({.method = FreezeMethod::kOff});
  EXPECT_EQ(report.method, FreezeMethod::kOff);
  EXPECT_EQ(report.WhyNot(), kIsOff ? kWhyOff : "off: not asked for");
}

// Off: pages are not collapsed either.
TEST(FreezeInThisBuild, IsOffUnderSanitizersWithShadowMemoryAndOnOtherwise) {
  const FreezeReport report = FreezeMemory({});
  EXPECT_EQ(report.WhyNot(), kWhyOff);
  EXPECT_EQ(report.method, kIsOff ? FreezeMethod::kOff : FreezeMethod::kMemfd);
  EXPECT_EQ(report.bytes > 0, !kIsOff);
  if (kIsOff) {
    EXPECT_EQ(report.collapsed_bytes, 0u);
  }
}

}  // namespace
}  // namespace forkserver
