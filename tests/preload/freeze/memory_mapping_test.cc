#include "preload/freeze/memory_mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

constexpr std::string_view kHeap =
    "55d0c9a2b000-55d0c9a4c000 rw-p 00000000 00:00 0                          [heap]\n"
    "Size:                132 kB\n"
    "Rss:                  88 kB\n"
    "Anonymous:            84 kB\n"
    "AnonHugePages:        64 kB\n"
    "Swap:                  4 kB\n"
    "SwapPss:               4 kB\n"
    "THPeligible:           0\n"
    "ProtectionKey:         3\n"
    "VmFlags: rd wr mr mw me lo nr xx wf \n";

constexpr std::string_view kRelro =
    "7f5c8a000000-7f5c8a001000 r--p 001d2000 fe:00 1234  /usr/lib/a library.so (deleted)\n"
    "Anonymous:             4 kB\n"
    "VmFlags: rd mr mw me ac \n";

constexpr std::string_view kShared =
    "7f5c8a001000-7f5c8a002000 r-xs 00000000 00:01 7\n"
    "Anonymous:             0 kB\n";

// All the mappings of a text, and how it ended.
struct Parsed {
  std::vector<MemoryMapping> mappings;
  int result = 0;
};
Parsed Parse(const std::string& text, size_t buffer_size = 4096) {
  const UniqueFd file(memfd_create("smaps", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  lseek(file.get(), 0, SEEK_SET);
  std::vector<char> buffer(buffer_size);
  SmapsReader reader(file.get(), buffer);
  Parsed parsed;
  MemoryMapping mapping;
  while ((parsed.result = reader.Next(mapping)) == SmapsReader::kMapping) {
    parsed.mappings.push_back(mapping);
  }
  return parsed;
}

TEST(SmapsReader, ReadsAllThatTheFreezeAsksFor) {
  const Parsed parsed = Parse(std::string(kHeap));
  EXPECT_EQ(parsed.result, SmapsReader::kEnd);
  ASSERT_EQ(parsed.mappings.size(), 1u);
  const MemoryMapping& heap = parsed.mappings[0];
  EXPECT_EQ(heap.start, 0x55d0c9a2b000u);
  EXPECT_EQ(heap.size(), 132u * 1024);
  EXPECT_EQ(heap.protection, PROT_READ | PROT_WRITE);
  EXPECT_FALSE(heap.shared);
  EXPECT_FALSE(heap.file_backed);
  EXPECT_EQ(heap.anonymous_bytes, 84u * 1024);
  EXPECT_EQ(heap.swapped_bytes, 4u * 1024);
  EXPECT_EQ(heap.protection_key, 3u);
  EXPECT_EQ(heap.flags, kLocked | kNoReserve | kWipeOnFork);
  EXPECT_STREQ(heap.name, "[heap]");
}

TEST(SmapsReader, TellsFilesAndSharedMemory) {
  const Parsed parsed = Parse(std::string(kRelro) + std::string(kShared));
  ASSERT_EQ(parsed.mappings.size(), 2u);
  EXPECT_TRUE(parsed.mappings[0].file_backed);
  EXPECT_EQ(parsed.mappings[0].protection, PROT_READ);
  EXPECT_EQ(parsed.mappings[0].flags, 0u);
  EXPECT_STREQ(parsed.mappings[0].name, "/usr/lib/a library.so (deleted)");
  EXPECT_TRUE(parsed.mappings[1].shared);
  EXPECT_TRUE(parsed.mappings[1].file_backed);
  EXPECT_EQ(parsed.mappings[1].protection, PROT_READ | PROT_EXEC);
  EXPECT_STREQ(parsed.mappings[1].name, "");
}

TEST(SmapsReader, LinesMayStraddleTheBuffer) {
  std::string text;
  for (int i = 0; i < 50; ++i) text.append(kHeap).append(kRelro);
  for (size_t size = 85; size < 200; size += 7) {
    const Parsed parsed = Parse(text, size);
    ASSERT_EQ(parsed.result, SmapsReader::kEnd) << size;
    ASSERT_EQ(parsed.mappings.size(), 100u) << size;
    EXPECT_EQ(parsed.mappings[98].swapped_bytes, 4u * 1024);
    EXPECT_EQ(parsed.mappings[99].anonymous_bytes, 4u * 1024);
  }
}

TEST(SmapsReader, ALineThatIsLongerThanTheBufferIsAnError) {
  EXPECT_EQ(Parse(std::string(kHeap), 40).result, -EOVERFLOW);
}

TEST(SmapsReader, OfALongPathTheEndIsKept) {
  const Parsed parsed = Parse("1000-2000 rw-p 0 00:05 9 /" + std::string(200, 'p') + "/tail\n");
  ASSERT_EQ(parsed.mappings.size(), 1u);
  EXPECT_EQ(std::string(parsed.mappings[0].name), std::string(58, 'p') + "/tail");
}

TEST(SmapsReader, ADescriptorThatCannotBeReadIsAnError) {
  std::vector<char> buffer(4096);
  SmapsReader reader(-1, buffer);
  MemoryMapping mapping;
  EXPECT_EQ(reader.Next(mapping), -EBADF);
}

TEST(SmapsReader, FindsThisFunctionsStack) {
  const UniqueFd smaps(open("/proc/self/smaps", O_RDONLY | O_CLOEXEC));
  std::vector<char> buffer(4096);
  SmapsReader reader(smaps.get(), buffer);
  MemoryMapping mapping;
  bool found = false;
  while (reader.Next(mapping) == SmapsReader::kMapping) {
    if (!mapping.Contains(reinterpret_cast<uintptr_t>(&found))) continue;
    found = true;
    EXPECT_STREQ(mapping.name, "[stack]");
    EXPECT_NE(mapping.flags & kGrowsDown, 0u);
    EXPECT_GT(mapping.anonymous_bytes, 0u);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace forkserver
