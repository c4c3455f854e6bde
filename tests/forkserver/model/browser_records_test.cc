// What the parent believes of a child's word about a browser.
#include "forkserver/model/browser_records.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkserver {
namespace {

const BrowserContext kA = {.site = "https://a.test"};
const BrowserContext kB = {.site = "https://b.test", .attributes = {.user_context_id = 2}};

std::string Refusal(const absl::Status& status) {
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  return std::string(status.message());
}

TEST(BrowserRecords, TrueClaimIsGood) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .context = kB});
  EXPECT_TRUE(records.Check(3, {.id = id, .context = kB}).ok());
}

TEST(BrowserRecords, FalseClaimIsNamedByWhatDiffers) {
  BrowserRecords records;
  const BrowserId a = *records.Open({.process = 3, .context = kA});
  EXPECT_EQ(Refusal(records.Check(3, {.id = 99, .context = kA})), "browser 99 was never given out");
  EXPECT_EQ(Refusal(records.Check(3, {.id = 0, .context = kA})), "browser 0 was never given out");
  EXPECT_EQ(Refusal(records.Check(4, {.id = a, .context = kA})), "browser 1 is child 3's");
  EXPECT_EQ(Refusal(records.Check(3, {.id = a, .context = kB})),
            "browser 1 shows https://a.test, not https://b.test^userContextId=2");
  EXPECT_EQ(
      Refusal(records.Check(
          3, {.id = a, .context = {.site = kA.site, .attributes = {.private_browsing_id = 1}}})),
      "browser 1 shows https://a.test, not https://a.test^privateBrowsingId=1");
}

TEST(BrowserRecords, FalseSiteIsNamedInOneLine) {
  BrowserRecords records;
  const BrowserId a = *records.Open({.process = 3, .context = kA});
  EXPECT_EQ(Refusal(records.Check(3, {.id = a, .context = {.site = "x\nbrowser 2\xff"}})),
            "browser 1 shows https://a.test, not x\\x0abrowser 2\\xff");
}

TEST(BrowserRecords, IdsAreNeverUsedTwice) {
  BrowserRecords records;
  const BrowserId first = *records.Open({.process = 3, .context = kA});
  records.Close(first);
  records.Confirm(first, 3);
  EXPECT_GT(*records.Open({.process = 3, .context = kA}), first);
}

TEST(BrowserRecords, WhatWasOnItsWayWhenTheBrowserWasClosedIsNoFault) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .context = kA});
  records.Close(id);
  const absl::Status late = records.Check(3, {.id = id, .context = kA});
  EXPECT_TRUE(absl::IsFailedPrecondition(late)) << late;
  EXPECT_FALSE(IsFault(late));
  EXPECT_EQ(records.Find(id), nullptr);
  // A false claim is false all the same.
  EXPECT_TRUE(IsFault(records.Check(4, {.id = id, .context = kA})));
  // Nor is it for another to confirm.
  records.Confirm(id, 4);
  EXPECT_FALSE(IsFault(records.Check(3, {.id = id, .context = kA})));
  records.Confirm(id, 3);
  EXPECT_EQ(Refusal(records.Check(3, {.id = id, .context = kA})), "browser 1 was closed");
}

TEST(BrowserRecords, ConfirmingWhatIsOpenIsNothing) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .context = kA});
  records.Confirm(id, 3);
  EXPECT_TRUE(records.Check(3, {.id = id, .context = kA}).ok());
}

TEST(BrowserRecords, OnlyTheOwnerMayCloseIt) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .owner = 2, .bridge = 1, .context = kA});
  const BrowserId parents = *records.Open({.process = 3, .context = kA});
  EXPECT_TRUE(records.CheckOwner(2, {.id = id, .context = kA}).ok());
  EXPECT_EQ(Refusal(records.CheckOwner(3, {.id = id, .context = kA})),
            "browser 1 belongs to child 2");
  EXPECT_EQ(Refusal(records.CheckOwner(2, {.id = parents, .context = kA})),
            "browser 2 belongs to the parent");
  EXPECT_EQ(Refusal(records.CheckOwner(2, {.id = 7, .context = kA})),
            "browser 7 was never given out");
  EXPECT_EQ(Refusal(records.CheckOwner(2, {.id = id, .context = kB})),
            "browser 1 shows https://a.test, not https://b.test^userContextId=2");
}

TEST(BrowserRecords, EachWhoMaySpeakOfItConfirmsForItself) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .owner = 2, .bridge = 1, .context = kA});
  const BrowserClaim claim = {.id = id, .context = kA};
  records.Close(id);
  records.Confirm(id, 3);
  EXPECT_EQ(Refusal(records.Check(3, claim)), "browser 1 was closed");
  EXPECT_TRUE(absl::IsFailedPrecondition(records.CheckOwner(2, claim)));
  records.ConfirmBridge(1, 2);
  EXPECT_EQ(Refusal(records.CheckOwner(2, claim)), "browser 1 was closed");
  EXPECT_EQ(records.size(), 0u);
}

TEST(BrowserRecords, OwnerThatClosedItHasNothingMoreToSay) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .owner = 2, .bridge = 1, .context = kA});
  const BrowserClaim claim = {.id = id, .context = kA};
  records.Close(id, 2);
  EXPECT_EQ(Refusal(records.CheckOwner(2, claim)), "browser 1 was closed");
  EXPECT_FALSE(IsFault(records.Check(3, claim)));
  records.Confirm(id, 3);
  EXPECT_EQ(records.size(), 0u);
}

TEST(BrowserRecords, OwnerMayNotHaveHeardThatItsProcessEnded) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .owner = 2, .bridge = 1, .context = kA});
  const BrowserClaim claim = {.id = id, .context = kA};
  EXPECT_EQ(records.ForgetProcess(3), std::vector<BrowserId>{id});
  EXPECT_TRUE(absl::IsFailedPrecondition(records.CheckOwner(2, claim)));
  records.ConfirmBridge(1, 2);
  EXPECT_TRUE(IsFault(records.CheckOwner(2, claim)));
}

TEST(BrowserRecords, NobodyWaitsForAnOwnerThatHasEnded) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .owner = 2, .bridge = 1, .context = kA});
  EXPECT_TRUE(records.ForgetProcess(2).empty());
  EXPECT_NE(records.Find(id), nullptr);
  records.Close(id);
  records.Confirm(id, 3);
  EXPECT_EQ(records.size(), 0u);
}

TEST(BrowserRecords, GrantsEndWithTheBrowser) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .context = kA});
  const BrowserId other = *records.Open({.process = 3, .context = kA});
  ASSERT_TRUE(records.Grant(id, "camera").ok());
  EXPECT_TRUE(records.IsGranted(id, "camera"));
  EXPECT_FALSE(records.IsGranted(id, "microphone"));
  EXPECT_FALSE(records.IsGranted(other, "camera"));
  records.Close(id);
  EXPECT_FALSE(records.IsGranted(id, "camera"));
  EXPECT_TRUE(absl::IsNotFound(records.Grant(id, "camera")));
}

TEST(BrowserRecords, GrantsAreBounded) {
  BrowserRecords records;
  const BrowserId id = *records.Open({.process = 3, .context = kA});
  for (size_t i = 0; i < BrowserRecords::kMostGrants; ++i) {
    ASSERT_TRUE(records.Grant(id, std::to_string(i)).ok());
  }
  EXPECT_TRUE(records.Grant(id, "0").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(records.Grant(id, "one more")));
}

TEST(BrowserRecords, OwnerCannotFillTheParentsMemory) {
  BrowserRecords records;
  for (size_t i = 0; i < BrowserRecords::kMostOfOneOwner; ++i) {
    const BrowserId id = *records.Open({.process = 3, .owner = 2, .bridge = 1, .context = kA});
    // Closing ones count: their process may never confirm.
    records.Close(id);
  }
  const BrowserRecord more = {.process = 3, .owner = 2, .bridge = 1, .context = kA};
  EXPECT_TRUE(absl::IsResourceExhausted(records.Open(more).status()));
  EXPECT_TRUE(records.Open({.process = 3, .owner = 4, .bridge = 2, .context = kA}).ok());
  EXPECT_TRUE(records.Open({.process = 3, .context = kA}).ok());
}

TEST(BrowserRecords, EndOfAProcessForgetsItsBrowsersAndNoOthers) {
  BrowserRecords records;
  const BrowserId one = *records.Open({.process = 3, .context = kA});
  const BrowserId closing = *records.Open({.process = 3, .context = kA});
  const BrowserId other = *records.Open({.process = 4, .context = kA});
  const BrowserId two = *records.Open({.process = 3, .bridge = 5, .context = kB});
  records.Close(closing);
  EXPECT_EQ(records.OfBridge(5), std::vector<BrowserId>{two});
  EXPECT_EQ(records.ForgetProcess(3), (std::vector<BrowserId>{one, two}));
  EXPECT_EQ(records.size(), 1u);
  EXPECT_EQ(records.OfProcess(4), std::vector<BrowserId>{other});
  EXPECT_TRUE(IsFault(records.Check(3, {.id = one, .context = kA})));
}

}  // namespace
}  // namespace forkserver
