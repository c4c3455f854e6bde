#include "preload/wiped_memory.h"

#include <string.h>

#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "tests/preload/freeze/victim.h"

namespace forkserver {
namespace {

using testing::ChildPasses;
using testing::CountOthers;

constexpr size_t kBytes = 5000;

size_t Others(const WipedMemory& memory, char byte) {
  return CountOthers(reinterpret_cast<const char*>(memory.bytes().data()), memory.bytes().size(),
                     byte);
}

TEST(WipedMemory, HasTheSizeThatWasAskedForAndZeroes) {
  const absl::StatusOr<WipedMemory> memory = WipedMemory::Create(kBytes);
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(memory->bytes().size(), kBytes);
  EXPECT_EQ(Others(*memory, 0), 0u);
}

TEST(WipedMemory, WhatCannotBeMappedIsAStatusThatNamesTheCall) {
  const absl::StatusOr<WipedMemory> memory = WipedMemory::Create(0);
  ASSERT_FALSE(memory.ok());
  EXPECT_EQ(memory.status().message(), "mmap 0 bytes to be wiped on fork: EINVAL");
}

TEST(WipedMemory, HasOneOwner) {
  absl::StatusOr<WipedMemory> memory = WipedMemory::Create(kBytes);
  ASSERT_TRUE(memory.ok()) << memory.status();
  const WipedMemory owner = *std::move(memory);
  EXPECT_TRUE(memory->bytes().empty());
  EXPECT_EQ(owner.bytes().size(), kBytes);
}

VICTIM_TEST(WipedMemory, IsZeroInEachChildAndTheirsToWriteAndKeptInTheParent) {
  const absl::StatusOr<WipedMemory> memory = WipedMemory::Create(kBytes);
  ASSERT_TRUE(memory.ok()) << memory.status();
  memset(memory->bytes().data(), 's', kBytes);
  EXPECT_NE(testing::Freeze().ToString().find("wiped on fork"), std::string::npos);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(ChildPasses([&] {
      EXPECT_EQ(Others(*memory, 0), 0u);
      memset(memory->bytes().data(), 'c', kBytes);
      EXPECT_TRUE(ChildPasses([&] { EXPECT_EQ(Others(*memory, 0), 0u); }));
      EXPECT_EQ(Others(*memory, 'c'), 0u);
    }));
  }
  EXPECT_EQ(Others(*memory, 's'), 0u);
}

}  // namespace
}  // namespace forkserver
