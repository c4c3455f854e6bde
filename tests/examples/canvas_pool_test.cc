// Canvases are made ahead by a thread, in huge pages, and are nobody else's.
#include "examples/browser_host/canvas_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "examples/browser_host/compose/canvas.h"
#include "examples/browser_host/compose/picture.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/huge_page.h"
#include "transceiver/mapping.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/unique_fd.h"

namespace browser_host {
namespace {

using forkserver::UniqueFd;

// Nothing tells when one is made: so it is asked for until it is there.
UniqueFd TakeOne(forkserver::EventLoop& loop, CanvasPool& pool) {
  const int64_t deadline = forkserver::NowNanos() + 10 * forkserver::kNanosPerSecond;
  while (forkserver::NowNanos() < deadline) {
    if (std::optional<UniqueFd> canvas = pool.Take()) return *std::move(canvas);
    loop.Run(0);
    sched_yield();
  }
  ADD_FAILURE() << "no canvas in 10 s: are there huge pages?";
  return UniqueFd();
}

bool HasHugePages() {
  const absl::StatusOr<UniqueFd> file = forkserver::CreateMemfd("probe");
  forkserver::Mapping memory;
  return file.ok() && ftruncate(file->get(), kCanvasBytes) == 0 &&
         MapCanvas(file->get(), memory) == 0 &&
         madvise(memory.bytes().data(), kCanvasBytes, MADV_POPULATE_WRITE) == 0 &&
         madvise(memory.bytes().data(), kCanvasBytes, forkserver::kMadvCollapse) == 0;
}

class CanvasPoolTest : public testing::Test {
 protected:
  UniqueFd TakeOne(CanvasPool& pool) { return browser_host::TakeOne(*loop_, pool); }

  const std::unique_ptr<forkserver::EventLoop> loop_ = *forkserver::EventLoop::Create();

 private:
  void SetUp() override {
    if (!HasHugePages()) GTEST_SKIP() << "no MADV_COLLAPSE of files, which came with Linux 6.1";
  }
};

TEST_F(CanvasPoolTest, MakesMemoryThatIsThereAndAllWhite) {
  CanvasPool pool(*loop_);
  const UniqueFd canvas = TakeOne(pool);
  struct stat status = {};
  ASSERT_EQ(fstat(canvas.get(), &status), 0);
  EXPECT_EQ(static_cast<size_t>(status.st_size), kCanvasBytes);
  constexpr size_t kBlock = 512;  // stat(2)
  EXPECT_EQ(static_cast<size_t>(status.st_blocks) * kBlock, kCanvasBytes);
  forkserver::Mapping memory;
  ASSERT_EQ(MapCanvas(canvas.get(), memory), 0);
  EXPECT_EQ(std::count(memory.bytes().begin(), memory.bytes().end(), 0xff),
            static_cast<ptrdiff_t>(kCanvasBytes));
}

TEST_F(CanvasPoolTest, MakesEachForOne) {
  CanvasPool pool(*loop_);
  const UniqueFd first = TakeOne(pool);
  const UniqueFd second = TakeOne(pool);
  forkserver::Mapping memory;
  ASSERT_EQ(MapCanvas(first.get(), memory), 0);
  memory.bytes()[0] = 1;
  ASSERT_EQ(MapCanvas(second.get(), memory), 0);
  EXPECT_EQ(memory.bytes()[0], 0xff);
}

// Canvases that there are in this process, whoever has them.
size_t OpenCanvases() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.starts_with("/memfd:canvas")) ++count;
  }
  return count;
}

bool IsTrueInTenSeconds(forkserver::EventLoop& loop, const std::function<bool()>& fact) {
  const int64_t deadline = forkserver::NowNanos() + 10 * forkserver::kNanosPerSecond;
  while (forkserver::NowNanos() < deadline) {
    if (fact()) return true;
    loop.Run(0);
    sched_yield();
  }
  return false;
}

bool AreOpenInTenSeconds(forkserver::EventLoop& loop, size_t canvases) {
  return IsTrueInTenSeconds(loop, [&] { return OpenCanvases() == canvases; });
}

bool IsAtRestInTenSeconds(forkserver::EventLoop& loop, CanvasPool& pool) {
  return IsTrueInTenSeconds(loop, [&] { return pool.is_at_rest(); });
}

// The page that has taken one is being painted then.
TEST_F(CanvasPoolTest, MakesTheNextOneAtLeisureWhileAnotherIsThere) {
  CanvasPool pool(*loop_);
  pool.Fill();
  int64_t soonest = INT64_MAX;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(IsAtRestInTenSeconds(*loop_, pool));
    const int64_t taken = forkserver::NowNanos();
    const UniqueFd canvas = TakeOne(pool);
    // It is open as soon as it is begun with.
    ASSERT_TRUE(AreOpenInTenSeconds(*loop_, CanvasPool::kCount + 1));
    soonest = std::min(soonest, forkserver::NowNanos() - taken);
  }
  EXPECT_GE(soonest, 3 * forkserver::kNanosPerMilli);
}

// Or the page that comes next would have none.
TEST_F(CanvasPoolTest, MakesTheNextOneAtOnceWhereNoneIsLeft) {
  CanvasPool pool(*loop_);
  pool.Fill();
  ASSERT_TRUE(IsAtRestInTenSeconds(*loop_, pool));
  std::vector<UniqueFd> taken;
  for (size_t i = 0; i < CanvasPool::kCount; ++i) taken.push_back(TakeOne(pool));
  // The loop does not run.
  const int64_t deadline = forkserver::NowNanos() + 10 * forkserver::kNanosPerSecond;
  while (OpenCanvases() == taken.size() && forkserver::NowNanos() < deadline) sched_yield();
  EXPECT_GT(OpenCanvases(), taken.size());
}

TEST_F(CanvasPoolTest, MakesWhatBecomesAPicture) {
  CanvasPool pool(*loop_);
  const UniqueFd canvas = TakeOne(pool);
  forkserver::Mapping memory;
  ASSERT_EQ(MapCanvas(canvas.get(), memory), 0);
  std::fill_n(memory.bytes().begin(), BytesOfPixels(800, 700), uint8_t{7});
  EXPECT_FALSE(forkserver::SealMemfd("canvas", canvas.get()).ok());
  memory.Unmap();
  ASSERT_TRUE(forkserver::SealMemfd("canvas", canvas.get()).ok());
  const absl::StatusOr<Picture> picture = Picture::Map(canvas.get(), 800, 700);
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(picture->argb().size(), 800u * 700);
  EXPECT_EQ(picture->argb().back(), 0x07070707u);
}

// A memfd's size counts as a file's (setrlimit(2)).
TEST_F(CanvasPoolTest, HasNoneWhereNoneCanBeMadeAndHasThemAgainLater) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit less = {.rlim_cur = kCanvasBytes - 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &less), 0);
  CanvasPool pool(*loop_);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(pool.Take().has_value());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(TakeOne(pool).is_open());
}

TEST_F(CanvasPoolTest, LeavesNothingBehind) {
  const size_t before = forkserver::OpenDescriptors();
  {
    CanvasPool pool(*loop_);
    TakeOne(pool);
    pool.Fill();
  }
  EXPECT_EQ(forkserver::OpenDescriptors(), before);
}

}  // namespace
}  // namespace browser_host
