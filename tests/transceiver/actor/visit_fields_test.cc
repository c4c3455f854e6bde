#include "transceiver/actor/visit_fields.h"

#include <stdint.h>

#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "gtest/gtest.h"
#include "transceiver/actor/codec.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace forkserver {
namespace {

struct Mark {
  uint32_t number = 0;
  auto Fields() { return std::tie(number); }
};

struct Inner {
  Text<8> name = {};
  Mark mark = {};
  auto Fields() { return std::tie(name, mark); }
};

struct Everywhere {
  Mark first = {};
  uint64_t between = 0;
  std::optional<Inner> maybe = {};
  List<Inner, 4> list = {};
  List<std::optional<Mark>, 4> holes = {};
  Mark last = {};
  auto Fields() { return std::tie(first, between, maybe, list, holes, last); }
};

struct Nowhere {
  uint32_t number = 0;
  List<Text<8>, 2> names = {};
  std::optional<bool> maybe = {};
  auto Fields() { return std::tie(number, names, maybe); }
};

struct Twin {
  uint32_t number = 0;
  auto Fields() { return std::tie(number); }
};

struct Empty {};

static_assert(HasField<Mark, Mark>());
static_assert(HasField<Mark, Inner>());
static_assert(HasField<Mark, const Inner>());
static_assert(HasField<Mark, std::optional<List<Inner, 2>>>());
static_assert(HasField<Mark, Everywhere>());
static_assert(!HasField<Mark, Nowhere>());
static_assert(!HasField<Mark, Empty>());
static_assert(HasField<uint64_t, Everywhere>() && !HasField<uint64_t, Inner>());
// A struct with the same fields is another type.
static_assert(!HasField<Mark, Twin>());

std::vector<uint32_t> Marks(const Everywhere& message) {
  std::vector<uint32_t> marks;
  VisitFields<Mark>(message, [&](const Mark& mark) { marks.push_back(mark.number); });
  return marks;
}

struct Told {
  static constexpr std::string_view kName = "Told";
  static constexpr SentBy kSentBy = SentBy::kParent;
  Inner inner = {};
  auto Fields() { return std::tie(inner); }
};
struct Asked {
  static constexpr std::string_view kName = "Asked";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Inner;
  auto Fields() { return std::tie(); }
};
template <typename... M>
struct Of {
  using Messages = MessageList<M...>;
};
static_assert(HasFieldInAny<Mark, Of<Told>>());
static_assert(HasFieldInAny<Mark, Of<Asked>>());
static_assert(!HasFieldInAny<Nowhere, Of<Told, Asked>>());
static_assert(!HasFieldInAny<Mark, Of<>>());

TEST(VisitFields, AllAreSeenInOrder) {
  Everywhere message = {.first = {1}, .last = {7}};
  message.maybe.emplace().mark.number = 2;
  message.list.items = {{.mark = {3}}, {.mark = {4}}};
  message.holes.items = {Mark{5}, std::nullopt, Mark{6}};
  EXPECT_EQ(Marks(message), (std::vector<uint32_t>{1, 2, 3, 4, 5, 6, 7}));
}

TEST(VisitFields, WhatIsNotThereIsNotSeen) {
  EXPECT_EQ(Marks({.first = {1}, .last = {2}}), (std::vector<uint32_t>{1, 2}));
}

TEST(VisitFields, MessageItselfCanBeTheField) {
  const Mark mark = {3};
  uint32_t seen = 0;
  VisitFields<Mark>(mark, [&](const Mark& field) { seen = field.number; });
  EXPECT_EQ(seen, 3u);
}

TEST(VisitFields, FieldsOfAConstMessageAreConst) {
  Inner inner;
  VisitFields<Mark>(inner, [](auto& mark) { mark.number = 9; });
  EXPECT_EQ(inner.mark.number, 9u);
  const Inner& fixed = inner;
  VisitFields<Mark>(fixed, [](auto& mark) {
    static_assert(std::is_const_v<std::remove_reference_t<decltype(mark)>>);
  });
}

TEST(VisitFields, VisitorIsNotCalledWhereThereCanBeNone) {
  Nowhere message;
  message.names.items = {"one"};
  int seen = 0;
  VisitFields<Mark>(message, [&](auto&) { ++seen; });
  EXPECT_EQ(seen, 0);
}

}  // namespace
}  // namespace forkserver
