// Which classes' messages go through ContentHost's checks: decided when they are compiled.
#include "forkserver/model/content_host.h"

#include <string_view>
#include <tuple>

#include "gtest/gtest.h"

namespace forkserver {
namespace {

struct Plain {
  static constexpr std::string_view kName = "Plain";
  static constexpr SentBy kSentBy = SentBy::kChild;
  uint32_t number = 0;
  auto Fields() { return std::tie(number); }
};

struct Save {
  static constexpr std::string_view kName = "Save";
  static constexpr SentBy kSentBy = SentBy::kChild;
  BrowserClaimField from = {};
  auto Fields() { return std::tie(from); }
};

struct Drawn {
  WritableMemory picture = {};
  auto Fields() { return std::tie(picture); }
};

struct Draw {
  static constexpr std::string_view kName = "Draw";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Drawn;
  auto Fields() { return std::tie(); }
};

struct Page {
  static constexpr std::string_view kName = "Page";
  using Messages = ContentMessages<Plain, Save, Draw>;
};

class AsItIs : public ContentHost<AsItIs, Page> {
 public:
  using ContentHost::ContentHost;
};
static_assert(ChecksAllMessages<AsItIs, Page>());

class WithOneOfItsOwn : public ContentHost<WithOneOfItsOwn, Page> {
 public:
  using ContentHost::Admit;
  using ContentHost::ContentHost;
  Admission Admit(const Plain&) { return Admission::Grant(); }
};
static_assert(ChecksAllMessages<WithOneOfItsOwn, Page>());

class HidesAll : public ContentHost<HidesAll, Page> {
 public:
  using ContentHost::ContentHost;
  template <typename M>
  Admission Admit(const M&) {
    return Admission::Grant();
  }
};
static_assert(!ChecksAllMessages<HidesAll, Page>());

class TakesThePlaceForOne : public ContentHost<TakesThePlaceForOne, Page> {
 public:
  using ContentHost::Admit;
  using ContentHost::ContentHost;
  Admission Admit(const Save&) { return Admission::Grant(); }
};
static_assert(!ChecksAllMessages<TakesThePlaceForOne, Page>());

class TakesThePlaceForAReply : public ContentHost<TakesThePlaceForAReply, Page> {
 public:
  using ContentHost::Admit;
  using ContentHost::ContentHost;
  Admission Admit(const Drawn&) { return Admission::Grant(); }
};
static_assert(!ChecksAllMessages<TakesThePlaceForAReply, Page>());

class SendsAnything : public ContentHost<SendsAnything, Page> {
 public:
  using ContentHost::ContentHost;
  template <typename M>
  absl::Status CheckOutgoing(const M&) {
    return absl::OkStatus();
  }
};
static_assert(!ChecksAllMessages<SendsAnything, Page>());

TEST(ContentHost, WhatTakesThePlaceOfItsChecksIsSeenWhenItIsCompiled) {
  EXPECT_TRUE((ChecksAllMessages<AsItIs, Page>()));
  EXPECT_FALSE((ChecksAllMessages<HidesAll, Page>()));
}

}  // namespace
}  // namespace forkserver
