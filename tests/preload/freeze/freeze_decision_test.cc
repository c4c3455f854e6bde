#include "preload/freeze/freeze_decision.h"

#include <string.h>
#include <sys/mman.h>

#include <utility>

#include "gtest/gtest.h"

namespace forkserver {
namespace {

constexpr FreezePlaces kElsewhere = {.stack_pointer = 0x1000,
                                     .instruction = 0x2000,
                                     .work_start = 0x3000,
                                     .work_end = 0x4000,
                                     .thread_block_start = 0x5000,
                                     .thread_block_end = 0x6000};

MemoryMapping Written() {
  MemoryMapping mapping = {};
  mapping.start = 0x100000;
  mapping.end = 0x200000;
  mapping.protection = PROT_READ | PROT_WRITE;
  mapping.anonymous_bytes = 4096;
  return mapping;
}

TEST(FreezeDecision, APrivateMappingWithAnAnonymousPageIsFrozenWhateverItIs) {
  MemoryMapping mapping = Written();
  EXPECT_EQ(DecideMapping(mapping, kElsewhere), LeaveOutReason::kNone);
  mapping.file_backed = true;
  for (const int protection : {PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC}) {
    mapping.protection = protection;
    EXPECT_EQ(DecideMapping(mapping, kElsewhere), LeaveOutReason::kNone);
  }
}

TEST(FreezeDecision, ASwappedPageCountsAsOne) {
  MemoryMapping mapping = Written();
  std::swap(mapping.anonymous_bytes, mapping.swapped_bytes);
  EXPECT_EQ(DecideMapping(mapping, kElsewhere), LeaveOutReason::kNone);
}

TEST(FreezeDecision, WhatCostsAForkNothingIsNotMentioned) {
  MemoryMapping mapping = Written();
  mapping.anonymous_bytes = 0;
  mapping.flags = kLocked;
  EXPECT_EQ(DecideMapping(mapping, kElsewhere), LeaveOutReason::kNothingToDo);
  mapping = Written();
  mapping.shared = true;
  EXPECT_EQ(DecideMapping(mapping, kElsewhere), LeaveOutReason::kNothingToDo);
}

TEST(FreezeDecision, EachFlagThatFileMemoryCannotHaveIsAReason) {
  const std::pair<MappingFlag, LeaveOutReason> kReasons[] = {
      {kGrowsDown, LeaveOutReason::kStack},      {kDevicePages, LeaveOutReason::kDevicePages},
      {kLocked, LeaveOutReason::kLocked},        {kDontFork, LeaveOutReason::kDontFork},
      {kDontDump, LeaveOutReason::kDontDump},    {kWipeOnFork, LeaveOutReason::kWipeOnFork},
      {kHugetlb, LeaveOutReason::kHugetlb},      {kUserfaultfd, LeaveOutReason::kUserfaultfd},
      {kSealedMapping, LeaveOutReason::kSealed}, {kShadowStack, LeaveOutReason::kShadowStack},
      {kNoReserve, LeaveOutReason::kNone},
  };
  for (const auto& [flag, reason] : kReasons) {
    MemoryMapping mapping = Written();
    mapping.flags = flag;
    EXPECT_EQ(DecideMapping(mapping, kElsewhere), reason) << Describe(reason);
  }
}

TEST(FreezeDecision, AProtectionKeyIsAReason) {
  MemoryMapping mapping = Written();
  mapping.protection_key = 1;
  EXPECT_EQ(DecideMapping(mapping, kElsewhere), LeaveOutReason::kProtectionKey);
}

TEST(FreezeDecision, WhatTheFreezeStandsOnStays) {
  FreezePlaces places = kElsewhere;
  places.stack_pointer = 0x1fffff;
  EXPECT_EQ(DecideMapping(Written(), places), LeaveOutReason::kStack);
  places = kElsewhere;
  places.work_start = 0x1ff000;
  places.work_end = 0x300000;
  EXPECT_EQ(DecideMapping(Written(), places), LeaveOutReason::kOwnMemory);
  places = kElsewhere;
  places.instruction = 0x100000;
  EXPECT_EQ(DecideMapping(Written(), places), LeaveOutReason::kRunningCode);
}

TEST(FreezeDecision, CodeThatAFileIsBehindMayBeMoved) {
  FreezePlaces places = kElsewhere;
  places.instruction = 0x100000;
  MemoryMapping mapping = Written();
  mapping.file_backed = true;
  EXPECT_EQ(DecideMapping(mapping, places), LeaveOutReason::kNone);
}

TEST(FreezeDecision, AMappingAroundTheThreadsBlockIsFrozenAndTheBlockAloneIsNot) {
  FreezePlaces places = kElsewhere;
  places.thread_block_start = 0x101000;
  places.thread_block_end = 0x102000;
  EXPECT_EQ(DecideMapping(Written(), places), LeaveOutReason::kNone);
  MemoryMapping mapping = Written();
  mapping.start = 0x101000;
  mapping.end = 0x102000;
  EXPECT_EQ(DecideMapping(mapping, places), LeaveOutReason::kThreadBlock);
}

TEST(FreezeDecision, EachReasonHasItsWords) {
  for (int i = 0; i < static_cast<int>(LeaveOutReason::kCount); ++i) {
    EXPECT_STRNE(Describe(static_cast<LeaveOutReason>(i)), "unknown") << i;
  }
}

}  // namespace
}  // namespace forkserver
