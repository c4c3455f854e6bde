#include "preload/warm_up.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transceiver/clock.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;

constexpr size_t kMiB = 1024 * 1024;
constexpr int64_t kKibPerMib = 1024;

auto Reports(const char* name, const char* error) {
  return AllOf(Field(&WarmUpReport::name, name), Field(&WarmUpReport::error, error));
}

TEST(WarmUps, RunInTheirOrder) {
  std::vector<int> order;
  const std::vector<WarmUp> warm_ups = {
      {"one", [&order] { return order.push_back(1), absl::OkStatus(); }},
      {"two", [&order] { return order.push_back(2), absl::OkStatus(); }},
      {"three", [&order] { return order.push_back(3), absl::OkStatus(); }},
  };
  RunWarmUps(warm_ups);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(WarmUps, AreReportedByNameInTheirOrder) {
  const std::vector<WarmUp> warm_ups = {
      {"public suffix list", [] { return absl::OkStatus(); }},
      {"fonts", [] { return absl::OkStatus(); }},
  };
  EXPECT_THAT(RunWarmUps(warm_ups),
              ElementsAre(Reports("public suffix list", ""), Reports("fonts", "")));
}

TEST(WarmUps, NoneGiveNoReport) { EXPECT_THAT(RunWarmUps({}), IsEmpty()); }

TEST(WarmUps, AFailedOneIsReportedWithItsReasonAndTheNextOneRuns) {
  bool next_one_ran = false;
  const std::vector<WarmUp> warm_ups = {
      {"fonts", [] { return absl::NotFoundError("open /usr/share/fonts: ENOENT"); }},
      {"icons", [&next_one_ran] { return next_one_ran = true, absl::OkStatus(); }},
  };
  EXPECT_THAT(RunWarmUps(warm_ups),
              ElementsAre(Reports("fonts", "open /usr/share/fonts: ENOENT"), Reports("icons", "")));
  EXPECT_TRUE(next_one_ran);
}

// The empty text is that of success.
TEST(WarmUps, AFailureWithoutAMessageIsReportedAllTheSame) {
  const std::vector<WarmUp> warm_ups = {{"fonts", [] { return absl::UnavailableError(""); }}};
  EXPECT_NE(RunWarmUps(warm_ups)[0].error, "");
}

TEST(WarmUps, TakeAtLeastTheTimeThatTheySeeThemselves) {
  int64_t seen_inside = 0;
  const std::vector<WarmUp> warm_ups = {{"slow", [&seen_inside] {
                                           const int64_t start = NowNanos();
                                           std::vector<char> pages(8 * kMiB, 'x');
                                           seen_inside = NowNanos() - start;
                                           return absl::OkStatus();
                                         }}};
  const std::vector<WarmUpReport> reports = RunWarmUps(warm_ups);
  ASSERT_GT(seen_inside, 0);
  EXPECT_GE(reports[0].nanos, seen_inside);
}

TEST(WarmUps, TogetherTakeNoLongerThanTheCall) {
  const auto touch_pages = [] {
    std::vector<char> pages(4 * kMiB, 'x');
    return absl::OkStatus();
  };
  const std::vector<WarmUp> warm_ups = {{"one", touch_pages}, {"two", touch_pages}};
  const int64_t start = NowNanos();
  const std::vector<WarmUpReport> reports = RunWarmUps(warm_ups);
  const int64_t whole_call = NowNanos() - start;
  EXPECT_GT(reports[0].nanos, 0);
  EXPECT_GT(reports[1].nanos, 0);
  EXPECT_LE(reports[0].nanos + reports[1].nanos, whole_call);
}

TEST(WarmUps, OneThatKeeps32MiBWeighsAboutThat) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's shadow of what is weighed weighs four times as much";
#endif
  std::vector<char> kept;
  const std::vector<WarmUp> warm_ups = {
      {"heap", [&kept] { return kept.assign(32 * kMiB, 'x'), absl::OkStatus(); }}};
  const std::vector<WarmUpReport> reports = RunWarmUps(warm_ups);
  // AddressSanitizer's shadow adds an eighth.
  EXPECT_THAT(reports[0].anonymous_kib, AllOf(Ge(31 * kKibPerMib), Le(40 * kKibPerMib)));
}

TEST(WarmUps, OneThatOnlyReservesMemoryWeighsLittle) {
  Mapping reserved;
  const std::vector<WarmUp> warm_ups = {
      {"reserve", [&reserved] {
         const int error =
             reserved.Map(32 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
         return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "mmap");
       }}};
  const std::vector<WarmUpReport> reports = RunWarmUps(warm_ups);
  ASSERT_THAT(reports, ElementsAre(Reports("reserve", "")));
  EXPECT_THAT(reports[0].anonymous_kib, Le(2 * kKibPerMib));
}

TEST(WarmUps, OneThatGivesMemoryBackWeighsLessThanNothing) {
  Mapping mapping;
  ASSERT_EQ(mapping.Map(32 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), 0);
  memset(mapping.bytes().data(), 'x', mapping.bytes().size());
  const std::vector<WarmUp> warm_ups = {
      {"give back", [&mapping] { return mapping.Unmap(), absl::OkStatus(); }}};
  EXPECT_THAT(RunWarmUps(warm_ups)[0].anonymous_kib, Le(-31 * kKibPerMib));
}

TEST(WarmUps, OneThatTouchesPagesFarApartWeighsItsPageTables) {
  constexpr size_t kReachOfOnePageTable = 2 * kMiB;
  constexpr size_t kPageTables = 64;
  Mapping mapping;
  ASSERT_EQ(mapping.Map(kPageTables * kReachOfOnePageTable, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1),
            0);
  // A huge page would need no table.
  ASSERT_EQ(madvise(mapping.bytes().data(), mapping.bytes().size(), MADV_NOHUGEPAGE), 0);
  const std::vector<WarmUp> warm_ups = {{"scatter", [&mapping] {
                                           for (size_t at = 0; at < mapping.bytes().size();
                                                at += kReachOfOnePageTable) {
                                             mapping.bytes()[at] = 1;
                                           }
                                           return absl::OkStatus();
                                         }}};
  const std::vector<WarmUpReport> reports = RunWarmUps(warm_ups);
  EXPECT_THAT(reports[0].page_table_kib, AllOf(Ge(4 * kPageTables), Le(8 * kPageTables)));
}

TEST(WarmUps, OneThatLeavesADescriptorOpenWeighsOne) {
  UniqueFd left_open;
  const std::vector<WarmUp> warm_ups = {{"open", [&left_open] {
                                           left_open.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
                                           return absl::OkStatus();
                                         }}};
  const std::vector<WarmUpReport> reports = RunWarmUps(warm_ups);
  ASSERT_TRUE(left_open.is_open());
  EXPECT_EQ(reports[0].descriptors, 1);
}

TEST(WarmUps, OneThatClosesWhatItOpensWeighsNoDescriptor) {
  bool opened = false;
  const std::vector<WarmUp> warm_ups = {{"open", [&opened] {
                                           UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
                                           opened = fd.is_open();
                                           return absl::OkStatus();
                                         }}};
  const std::vector<WarmUpReport> reports = RunWarmUps(warm_ups);
  ASSERT_TRUE(opened);
  EXPECT_EQ(reports[0].descriptors, 0);
}

TEST(WarmUps, OneThatClosesADescriptorWeighsMinusOne) {
  UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(fd.is_open());
  const std::vector<WarmUp> warm_ups = {{"close", [&fd] { return fd.reset(), absl::OkStatus(); }}};
  EXPECT_EQ(RunWarmUps(warm_ups)[0].descriptors, -1);
}

TEST(WarmUps, AFailedOneIsWeighedToo) {
  UniqueFd left_open;
  const std::vector<WarmUp> warm_ups = {{"open", [&left_open] {
                                           left_open.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
                                           return absl::InternalError("not what it should be");
                                         }}};
  EXPECT_EQ(RunWarmUps(warm_ups)[0].descriptors, 1);
}

TEST(WarmUps, EachIsWeighedByItself) {
  UniqueFd left_open;
  const std::vector<WarmUp> warm_ups = {
      {"open",
       [&left_open] {
         left_open.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
         return absl::OkStatus();
       }},
      {"idle", [] { return absl::OkStatus(); }},
  };
  EXPECT_EQ(RunWarmUps(warm_ups)[1].descriptors, 0);
}

}  // namespace
}  // namespace forkserver
