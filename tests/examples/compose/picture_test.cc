// Which memory is a picture.
#include "examples/browser_host/compose/picture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "examples/browser_host/compose/canvas.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/unique_fd.h"

namespace browser_host {
namespace {

using forkserver::UniqueFd;

constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

UniqueFd MemfdOf(size_t size, int seals) {
  UniqueFd fd(memfd_create("pixels", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(ftruncate(fd.get(), static_cast<off_t>(size)), 0);
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

std::string Mapped(const UniqueFd& fd, uint32_t width, uint32_t height) {
  const absl::StatusOr<Picture> pixels = Picture::Map(fd.get(), width, height);
  if (pixels.ok()) return "mapped";
  EXPECT_TRUE(absl::IsInvalidArgument(pixels.status()));
  return std::string(pixels.status().message());
}

TEST(Picture, IsAsManyPixelsAsItsSizeSays) {
  EXPECT_EQ(Mapped(MemfdOf(24, kAllSeals), 3, 2), "mapped");
  EXPECT_EQ(Mapped(MemfdOf(24, kAllSeals), 2, 3), "mapped");
  EXPECT_EQ(Mapped(MemfdOf(23, kAllSeals), 3, 2), "3 by 2 pixels in 23 bytes");
  EXPECT_EQ(Mapped(MemfdOf(25, kAllSeals), 3, 2), "3 by 2 pixels in 25 bytes");
  EXPECT_EQ(Mapped(MemfdOf(0, kAllSeals), 3, 2), "3 by 2 pixels: ENODATA");
  EXPECT_EQ(Mapped(MemfdOf(size_t{500} << 20, kAllSeals), 3, 2), "3 by 2 pixels: EFBIG");
}

TEST(Picture, MayBeWhatACanvasBeginsWith) {
  const UniqueFd canvas = MemfdOf(kCanvasBytes, kAllSeals);
  EXPECT_EQ(Mapped(canvas, 800, 700), "mapped");
  EXPECT_EQ(Mapped(canvas, 1024, 1024), "mapped");
  EXPECT_EQ(Mapped(canvas, 1024, 1025), "1024 by 1025 pixels in 4194304 bytes");
  // So small a one has no business with so much memory.
  EXPECT_EQ(Mapped(canvas, 512, 512), "512 by 512 pixels in 4194304 bytes");
  EXPECT_EQ(Mapped(MemfdOf(kCanvasBytes - 1, kAllSeals), 800, 700),
            "800 by 700 pixels in 4194303 bytes");
}

TEST(Picture, HasASizeWithinTheBounds) {
  const UniqueFd fd = MemfdOf(24, kAllSeals);
  EXPECT_EQ(Mapped(fd, 0, 2), "0 by 2 pixels");
  EXPECT_EQ(Mapped(fd, 3, 0), "3 by 0 pixels");
  EXPECT_EQ(Mapped(fd, 10'001, 1), "10001 by 1 pixels");
  EXPECT_EQ(Mapped(fd, 1, 10'001), "1 by 10001 pixels");
  // Products that come out small in 32 bits.
  EXPECT_EQ(Mapped(fd, 0x80000001, 2), "2147483649 by 2 pixels");
  EXPECT_EQ(Mapped(fd, UINT32_MAX, UINT32_MAX), "4294967295 by 4294967295 pixels");
  // A hole: no memory is taken for it.
  EXPECT_EQ(Mapped(MemfdOf(size_t{400'000'000}, kAllSeals), 10'000, 10'000), "mapped");
}

TEST(Picture, IsNeverMemoryThatCanChange) {
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, kAllSeals}) {
    EXPECT_EQ(Mapped(MemfdOf(24, kAllSeals & ~missing), 3, 2), "3 by 2 pixels: EPERM");
  }
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  EXPECT_EQ(Mapped(UniqueFd(pipes[0]), 3, 2), "3 by 2 pixels: EINVAL");
  EXPECT_EQ(Mapped(UniqueFd(pipes[1]), 3, 2), "3 by 2 pixels: EINVAL");
  EXPECT_EQ(Mapped(UniqueFd(), 3, 2), "3 by 2 pixels: EBADF");
  EXPECT_EQ(Mapped(UniqueFd(open("/dev/zero", O_RDONLY | O_CLOEXEC)), 3, 2),
            "3 by 2 pixels: EINVAL");
}

// Which is no fault of its painter's.
TEST(Picture, ForWhichThereIsNoRoomIsAnErrorOfItsOwn) {
  const forkserver::UniqueFd memory = *forkserver::CreateMemfd("picture");
  constexpr uint32_t kSide = 10'000;
  ASSERT_EQ(ftruncate(memory.get(), static_cast<off_t>(BytesOfPixels(kSide, kSide))), 0);
  ASSERT_TRUE(forkserver::SealMemfd("picture", memory.get()).ok());
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit none = {.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
  const absl::Status mapped = Picture::Map(memory.get(), kSide, kSide).status();
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(mapped.ToString(), "RESOURCE_EXHAUSTED: 10000 by 10000 pixels: ENOMEM");
}

TEST(Picture, IsPopulatedRowByRow) {
  std::vector<uint8_t> bytes(BytesOfPixels(1000, 300));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  const UniqueFd fd = *forkserver::CreateSealedMemfd("pixels", bytes);
  const absl::StatusOr<Picture> pixels = Picture::Map(fd.get(), 1000, 300);
  ASSERT_TRUE(pixels.ok());
  EXPECT_EQ(pixels->argb().size(), 300'000u);
  const auto is_there = [&](uint32_t row) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const auto at = reinterpret_cast<uintptr_t>(&pixels->argb()[size_t{row} * 1000]) / page * page;
    // Of this mapping: mincore tells of the file's pages.
    const UniqueFd pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    uint64_t entry = 0;
    EXPECT_EQ(pread(pagemap.get(), &entry, sizeof(entry), static_cast<off_t>(at / page * 8)), 8);
    return (entry >> 63) == 1;
  };
  EXPECT_FALSE(is_there(100));
  EXPECT_TRUE(pixels->Populate(100, 1).ok());
  EXPECT_TRUE(is_there(100));
  EXPECT_FALSE(is_there(200));
  EXPECT_TRUE(pixels->Populate(0, 300).ok());
  EXPECT_TRUE(is_there(299));
}

}  // namespace
}  // namespace browser_host
