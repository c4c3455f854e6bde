#include "forkserver/model/total_memory.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <fstream>
#include <string>

#include "absl/status/statusor.h"

namespace forkserver {
namespace {

TEST(TotalMemory, IsTheLineMemTotalInBytes) {
  EXPECT_EQ(TotalMemoryOf("MemTotal:        4026864 kB\nMemFree:  1 kB\n"),
            uint64_t{4026864} * 1024);
  EXPECT_EQ(TotalMemoryOf("MemFree:  1 kB\nMemTotal: 2 kB"), uint64_t{2048});
}

TEST(TotalMemory, WhatIsNoSuchLineIsNone) {
  for (const char* text :
       {"", "MemTotal:", "MemTotal: kB\n", "MemTotal: -1 kB\n", "MemTotal: 1 MB\n",
        "SwapMemTotal: 1 kB\n", "MemTotal: 99999999999999999999 kB\n",
        "MemTotal: 18446744073709551615 kB\n"}) {
    EXPECT_FALSE(TotalMemoryOf(text)) << text;
  }
}

TEST(TotalMemory, OfThisMachineIsThatOfItsFile) {
  absl::StatusOr<uint64_t> bytes = ReadTotalMemory();
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  std::ifstream file("/proc/meminfo");
  std::string name;
  uint64_t kib = 0;
  while (file >> name && name != "MemTotal:") file.ignore(1000, '\n');
  ASSERT_TRUE(file >> kib);
  EXPECT_EQ(*bytes, kib * 1024);
}

TEST(TotalMemory, AnErrorNamesTheFile) {
  EXPECT_EQ(ReadTotalMemory("/nowhere").status().message(), "open /nowhere: ENOENT");
  EXPECT_EQ(ReadTotalMemory("/proc/version").status().message(), "read /proc/version: no MemTotal");
  EXPECT_EQ(ReadTotalMemory("/proc").status().message(), "read /proc: EISDIR");
}

}  // namespace
}  // namespace forkserver
