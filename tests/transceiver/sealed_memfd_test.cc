#include "transceiver/sealed_memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver {
namespace {

constexpr int kAllSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

std::vector<uint8_t> Pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  return bytes;
}

UniqueFd Sealed(std::span<const uint8_t> bytes) {
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("test", bytes);
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : UniqueFd();
}

// A memfd of one page with the seals that a test chooses.
UniqueFd MemfdWithSeals(int seals) {
  UniqueFd fd(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(ftruncate(fd.get(), 4096), 0);
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

bool Equal(std::span<const uint8_t> left, std::span<const uint8_t> right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

TEST(SealedMemfd, HasTheContentsThatItWasMadeOf) {
  const std::vector<uint8_t> bytes = Pattern(100'000);
  const UniqueFd fd = Sealed(bytes);
  Mapping mapping;
  ASSERT_EQ(MapSealedMemfd(fd.get(), bytes.size(), SealedAccess::kRead, mapping), 0);
  EXPECT_TRUE(Equal(mapping.bytes(), bytes));
}

TEST(SealedMemfd, MadeInPlaceHasWhatWasWrittenAndEverySeal) {
  const std::vector<uint8_t> bytes = Pattern(100'000);
  absl::StatusOr<UnsealedMemfd> memory = UnsealedMemfd::Create("test", bytes.size());
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(memory->bytes()[99'999], 0);
  std::copy(bytes.begin(), bytes.end(), memory->bytes().begin());
  const absl::StatusOr<UniqueFd> fd = std::move(*memory).Seal();
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(fcntl(fd->get(), F_GET_SEALS), kAllSeals);
  Mapping mapping;
  ASSERT_EQ(MapSealedMemfd(fd->get(), bytes.size(), SealedAccess::kRead, mapping), 0);
  EXPECT_TRUE(Equal(mapping.bytes(), bytes));
  EXPECT_EQ(UnsealedMemfd::Create("test", 0).status().message(), "mmap memfd test: EINVAL");
}

TEST(SealedMemfd, HasEverySeal) {
  const UniqueFd fd = Sealed(Pattern(10));
  EXPECT_EQ(fcntl(fd.get(), F_GET_SEALS), kAllSeals);
}

TEST(SealedMemfd, TakesNoFurtherSeal) {
  const UniqueFd fd = Sealed(Pattern(10));
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SealedMemfd, IsCloseOnExec) {
  const UniqueFd fd = Sealed(Pattern(10));
  EXPECT_TRUE(IsCloseOnExec(fd.get()));
}

TEST(SealedMemfd, HasItsNameInProc) {
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("prefs", Pattern(10));
  ASSERT_TRUE(fd.ok()) << fd.status();
  char name[64] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(fd->get());
  ASSERT_GT(readlink(link.c_str(), name, sizeof(name) - 1), 0);
  EXPECT_STREQ(name, "/memfd:prefs (deleted)");
}

TEST(SealedMemfd, RefusesAWrite) {
  const UniqueFd fd = Sealed(Pattern(10));
  EXPECT_EQ(pwrite(fd.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SealedMemfd, RefusesAWriterThatOpensItAgain) {
  const UniqueFd fd = Sealed(Pattern(10));
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  const UniqueFd again(open(link.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(again.is_open());
  EXPECT_EQ(pwrite(again.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SealedMemfd, RefusesASharedWritableMapping) {
  const UniqueFd fd = Sealed(Pattern(10));
  EXPECT_EQ(mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
  EXPECT_EQ(errno, EPERM);
}

TEST(SealedMemfd, RefusesToShrink) {
  const UniqueFd fd = Sealed(Pattern(10));
  EXPECT_EQ(ftruncate(fd.get(), 9), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SealedMemfd, RefusesToGrow) {
  const UniqueFd fd = Sealed(Pattern(10));
  EXPECT_EQ(ftruncate(fd.get(), 11), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SealedMemfd, IsMadeOfNoBytesToo) {
  const UniqueFd fd = Sealed({});
  EXPECT_EQ(fcntl(fd.get(), F_GET_SEALS), kAllSeals);
  EXPECT_EQ(lseek(fd.get(), 0, SEEK_END), 0);
}

TEST(SealedMemfd, NamesTheCallThatFailed) {
  const size_t before = OpenDescriptors();
  // memfd_create(2) takes at most 249 bytes.
  const absl::StatusOr<UniqueFd> fd = CreateSealedMemfd(std::string(250, 'x'), Pattern(10));
  EXPECT_EQ(fd.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(fd.status().message().find("memfd_create"), std::string::npos) << fd.status();
  EXPECT_NE(fd.status().message().find("EINVAL"), std::string::npos) << fd.status();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(MapSealedMemfd, MapsAFileOfExactlyTheLimit) {
  const UniqueFd fd = Sealed(Pattern(5000));
  Mapping mapping;
  ASSERT_EQ(MapSealedMemfd(fd.get(), 5000, SealedAccess::kRead, mapping), 0);
  EXPECT_EQ(mapping.bytes().size(), 5000u);
}

TEST(MapSealedMemfd, RefusesAFileOneByteOverTheLimit) {
  const UniqueFd fd = Sealed(Pattern(5000));
  Mapping mapping;
  EXPECT_EQ(MapSealedMemfd(fd.get(), 4999, SealedAccess::kRead, mapping), EFBIG);
  EXPECT_TRUE(mapping.bytes().empty());
}

TEST(MapSealedMemfd, RefusesAnEmptyFile) {
  const UniqueFd fd = Sealed({});
  Mapping mapping;
  EXPECT_EQ(MapSealedMemfd(fd.get(), 4096, SealedAccess::kRead, mapping), ENODATA);
}

TEST(MapSealedMemfd, RefusesADescriptorThatIsNoMemfd) {
  const UniqueFd event(eventfd(0, EFD_CLOEXEC));
  Mapping mapping;
  EXPECT_EQ(MapSealedMemfd(event.get(), 4096, SealedAccess::kRead, mapping), EINVAL);
}

TEST(MapSealedMemfd, RefusesADescriptorThatIsNotOpen) {
  Mapping mapping;
  EXPECT_EQ(MapSealedMemfd(-1, 4096, SealedAccess::kRead, mapping), EBADF);
}

TEST(MapSealedMemfd, LeavesTheDescriptorToTheCaller) {
  const UniqueFd fd = Sealed(Pattern(10));
  const size_t before = OpenDescriptors();
  Mapping mapping;
  ASSERT_EQ(MapSealedMemfd(fd.get(), 10, SealedAccess::kRead, mapping), 0);
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_TRUE(IsOpen(fd.get()));
}

TEST(MapSealedMemfd, KeepsTheContentsWhenTheDescriptorIsClosed) {
  UniqueFd fd = Sealed(Pattern(10));
  Mapping mapping;
  ASSERT_EQ(MapSealedMemfd(fd.get(), 10, SealedAccess::kRead, mapping), 0);
  fd.reset();
  EXPECT_TRUE(Equal(mapping.bytes(), Pattern(10)));
}

TEST(MapSealedMemfd, MapsForReadingOnly) {
  const UniqueFd fd = Sealed(Pattern(10));
  Mapping mapping;
  ASSERT_EQ(MapSealedMemfd(fd.get(), 10, SealedAccess::kRead, mapping), 0);
  // The kernel says EFAULT where a write of our own would be a SIGSEGV.
  const UniqueFd zeros(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(read(zeros.get(), mapping.bytes().data(), 1), -1);
  EXPECT_EQ(errno, EFAULT);
}

TEST(MapSealedMemfd, KeepsWhatIsWrittenToAPrivateCopyOutOfTheFile) {
  const UniqueFd fd = Sealed(Pattern(10));
  Mapping copy;
  ASSERT_EQ(MapSealedMemfd(fd.get(), 10, SealedAccess::kPrivateCopy, copy), 0);
  std::fill(copy.bytes().begin(), copy.bytes().end(), uint8_t{0xEE});

  std::array<uint8_t, 10> in_file;
  ASSERT_EQ(pread(fd.get(), in_file.data(), in_file.size(), 0), 10);
  EXPECT_TRUE(Equal(in_file, Pattern(10)));
  EXPECT_EQ(copy.bytes()[0], 0xEE);
}

struct Seals {
  std::string name;
  int seals;
};

std::ostream& operator<<(std::ostream& out, const Seals& seals) { return out << seals.name; }

class MemfdThatLacks : public testing::TestWithParam<Seals> {};
INSTANTIATE_TEST_SUITE_P(, MemfdThatLacks,
                         testing::Values(Seals{"AllSeals", 0},
                                         Seals{"TheWriteSeal", F_SEAL_GROW | F_SEAL_SHRINK},
                                         Seals{"TheGrowSeal", F_SEAL_WRITE | F_SEAL_SHRINK},
                                         Seals{"TheShrinkSeal", F_SEAL_WRITE | F_SEAL_GROW}),
                         [](const auto& info) { return info.param.name; });

TEST_P(MemfdThatLacks, IsRefused) {
  const UniqueFd fd = MemfdWithSeals(GetParam().seals);
  Mapping mapping;
  EXPECT_EQ(MapSealedMemfd(fd.get(), 4096, SealedAccess::kRead, mapping), EPERM);
  EXPECT_TRUE(mapping.bytes().empty());
}

TEST_P(MemfdThatLacks, IsRefusedAsAPrivateCopyToo) {
  const UniqueFd fd = MemfdWithSeals(GetParam().seals);
  Mapping mapping;
  EXPECT_EQ(MapSealedMemfd(fd.get(), 4096, SealedAccess::kPrivateCopy, mapping), EPERM);
}

}  // namespace
}  // namespace forkserver
