#include "child/components/component_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "child/components/component_table.h"
#include "child/process_types.h"

namespace forkserver {

namespace testing {

// Writes its life into a log.
class Recorded : public Component {
 public:
  Recorded(std::string name, std::vector<std::string>& log) : name_(std::move(name)), log_(log) {
    log_.push_back("make " + name_);
  }
  ~Recorded() override { log_.push_back("destroy " + name_); }
  void CleanUp() override { log_.push_back("clean up " + name_); }

 private:
  const std::string name_;
  std::vector<std::string>& log_;
};

class Other : public Component {};

}  // namespace testing

namespace {

using ::forkserver::testing::Other;
using ::forkserver::testing::Recorded;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ProcessTypeSet kContentOnly = {ProcessType::kContent};

class ComponentRegistryTest : public ::testing::Test {
 protected:
  // A component that is made of those of the names `needs`.
  ComponentRow Row(const std::string& name, ProcessTypeSet users,
                   std::vector<std::string> needs = {}) {
    return {.name = name,
            .users = users,
            .make = [this, name, needs = std::move(needs)](
                        ComponentRegistry& registry) -> absl::StatusOr<std::unique_ptr<Component>> {
              for (const std::string& need : needs) {
                if (auto got = registry.Get<Component>(need); !got.ok()) return got.status();
              }
              return std::make_unique<Recorded>(name, log_);
            }};
  }

  static ComponentTable Table(std::vector<ComponentRow> rows) {
    absl::StatusOr<ComponentTable> table = ComponentTable::Create(std::move(rows));
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ok() ? *std::move(table) : ComponentTable();
  }

  std::vector<std::string> log_;
};

using ComponentTableTest = ComponentRegistryTest;

TEST_F(ComponentTableTest, NamesAreThereAndEachOnce) {
  EXPECT_EQ(ComponentTable::Create({Row("", kContentOnly)}).status(),
            absl::InvalidArgumentError("component '': the name is empty or taken"));
  EXPECT_EQ(ComponentTable::Create({Row("a", kContentOnly), Row("a", {})}).status(),
            absl::InvalidArgumentError("component 'a': the name is empty or taken"));
}

TEST_F(ComponentTableTest, ARowWithoutAFactoryIsAnError) {
  EXPECT_EQ(ComponentTable::Create({{.name = "a", .users = kContentOnly}}).status(),
            absl::InvalidArgumentError("component 'a' has no function that makes it"));
}

TEST_F(ComponentRegistryTest, MakesAComponentWhenItIsFirstAskedFor) {
  const ComponentTable table = Table({Row("a", kContentOnly), Row("b", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  EXPECT_THAT(log_, IsEmpty());
  const absl::StatusOr<Recorded*> first = registry.Get<Recorded>("b");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(log_, ElementsAre("make b"));
  const absl::StatusOr<Recorded*> again = registry.Get<Recorded>("b");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *first);
  EXPECT_THAT(log_, ElementsAre("make b"));
}

TEST_F(ComponentRegistryTest, EachProcessHasItsOwn) {
  const ComponentTable table = Table({Row("a", kContentOnly)});
  ComponentRegistry one(table, {.type = ProcessType::kContent});
  ComponentRegistry other(table, {.type = ProcessType::kContent});
  EXPECT_NE(*one.Get<Recorded>("a"), *other.Get<Recorded>("a"));
}

TEST_F(ComponentRegistryTest, OutsideItsMaskAComponentIsRefusedWithBothNames) {
  const ComponentTable table =
      Table({Row("decoder.png", {ProcessType::kDataDecoder, ProcessType::kGpu})});
  for (const ProcessTypeRow& row : ProcessTypes()) {
    ComponentRegistry registry(table, {.type = row.type});
    const absl::Status status = registry.Get<Recorded>("decoder.png").status();
    if (row.type == ProcessType::kDataDecoder || row.type == ProcessType::kGpu) {
      EXPECT_TRUE(status.ok()) << status;
    } else {
      EXPECT_EQ(status, absl::PermissionDeniedError("component 'decoder.png' is not for " +
                                                    std::string(row.name) + " processes"));
    }
  }
  EXPECT_THAT(log_, ElementsAre("make decoder.png", "clean up decoder.png", "destroy decoder.png",
                                "make decoder.png", "clean up decoder.png", "destroy decoder.png"));
}

TEST_F(ComponentRegistryTest, AComponentWithoutAMaskIsForNobody) {
  const ComponentTable table = Table({{.name = "a", .make = MakeComponent<Other>()}});
  for (const ProcessTypeRow& row : ProcessTypes()) {
    ComponentRegistry registry(table, {.type = row.type});
    EXPECT_TRUE(absl::IsPermissionDenied(registry.Get<Other>("a").status())) << row.name;
  }
}

TEST_F(ComponentRegistryTest, ANumberThatIsNoTypeMayUseNothing) {
  const ComponentTable table = Table({Row("a", ProcessTypeSet::All())});
  ComponentRegistry registry(table, {.type = static_cast<ProcessType>(77)});
  EXPECT_EQ(registry.Get<Recorded>("a").status(),
            absl::PermissionDeniedError("component 'a' is not for unknown type processes"));
}

TEST_F(ComponentRegistryTest, ANameThatTheTableDoesNotHaveIsNotFound) {
  const ComponentTable table = Table({Row("a", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  EXPECT_EQ(registry.Get<Recorded>("b").status(), absl::NotFoundError("there is no component 'b'"));
}

TEST_F(ComponentRegistryTest, AComponentOfAnotherClassIsAnErrorThatNamesBoth) {
  const ComponentTable table = Table({Row("a", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  EXPECT_EQ(registry.Get<Other>("a").status(),
            absl::InvalidArgumentError("component 'a' is a forkserver::testing::Recorded, not a "
                                       "forkserver::testing::Other"));
}

TEST_F(ComponentRegistryTest, InitialisesAllThatItsTypeMayUseInTheOrderOfTheTable) {
  const ComponentTable table = Table({Row("c", kContentOnly), Row("gpu", {ProcessType::kGpu}),
                                      Row("a", kContentOnly), Row("b", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  ASSERT_TRUE(registry.Get<Recorded>("b").ok());
  ASSERT_TRUE(registry.InitialiseAll().ok());
  EXPECT_THAT(log_, ElementsAre("make b", "make c", "make a"));
}

TEST_F(ComponentRegistryTest, CleansUpInTheReverseOfTheOrderOfMaking) {
  const ComponentTable table =
      Table({Row("a", kContentOnly), Row("b", kContentOnly), Row("c", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  ASSERT_TRUE(registry.Get<Recorded>("c").ok());
  ASSERT_TRUE(registry.Get<Recorded>("a").ok());
  log_.clear();
  registry.CleanUp();
  EXPECT_THAT(log_, ElementsAre("clean up a", "destroy a", "clean up c", "destroy c"));
}

TEST_F(ComponentRegistryTest, AComponentOutlivesThoseThatWereMadeOfIt) {
  const ComponentTable table =
      Table({Row("top", kContentOnly, {"middle"}), Row("middle", kContentOnly, {"bottom"}),
             Row("bottom", kContentOnly)});
  {
    ComponentRegistry registry(table, {.type = ProcessType::kContent});
    ASSERT_TRUE(registry.InitialiseAll().ok());
    EXPECT_THAT(log_, ElementsAre("make bottom", "make middle", "make top"));
    log_.clear();
  }
  EXPECT_THAT(log_, ElementsAre("clean up top", "destroy top", "clean up middle", "destroy middle",
                                "clean up bottom", "destroy bottom"));
}

// A component that is let use another one that the process may not is a hole in the mask.
TEST_F(ComponentRegistryTest, WhatAComponentIsMadeOfMustBeForTheProcessToo) {
  const ComponentTable table =
      Table({Row("outer", kContentOnly, {"inner"}), Row("inner", {ProcessType::kGpu})});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  EXPECT_EQ(registry.Get<Recorded>("outer").status(),
            absl::PermissionDeniedError(
                "component 'outer': component 'inner' is not for content processes"));
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(ComponentRegistryTest, ComponentsThatNeedEachOtherAreAnErrorAndNoEndlessDescent) {
  const ComponentTable table =
      Table({Row("a", kContentOnly, {"b"}), Row("b", kContentOnly, {"a"})});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  EXPECT_EQ(registry.Get<Recorded>("a").status(),
            absl::FailedPreconditionError(
                "component 'a': component 'b': component 'a' is being made, and component 'b' "
                "needs it for that"));
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(ComponentRegistryTest, AFactoryThatFailsIsTriedAgain) {
  int calls = 0;
  const ComponentTable table =
      Table({{.name = "a",
              .users = kContentOnly,
              .make = [&calls](ComponentRegistry&) -> absl::StatusOr<std::unique_ptr<Component>> {
                if (++calls == 1) return absl::UnavailableError("open /dev/x: EBUSY");
                return std::make_unique<Other>();
              }}});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  EXPECT_EQ(registry.Get<Other>("a").status(),
            absl::UnavailableError("component 'a': open /dev/x: EBUSY"));
  EXPECT_TRUE(registry.Get<Other>("a").ok());
  EXPECT_EQ(calls, 2);
}

TEST_F(ComponentRegistryTest, InitialisingStopsAtTheFirstThatFails) {
  const ComponentTable table = Table(
      {Row("a", kContentOnly),
       {.name = "b", .users = kContentOnly, .make = [](ComponentRegistry&) { return nullptr; }},
       Row("c", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  EXPECT_EQ(registry.InitialiseAll(), absl::InternalError("component 'b': its factory made none"));
  EXPECT_THAT(log_, ElementsAre("make a"));
}

TEST_F(ComponentRegistryTest, AfterCleanUpThereIsNothingMore) {
  const ComponentTable table = Table({Row("a", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  ASSERT_TRUE(registry.Get<Recorded>("a").ok());
  registry.CleanUp();
  registry.CleanUp();
  EXPECT_EQ(registry.Get<Recorded>("a").status(),
            absl::FailedPreconditionError("component 'a': components were cleaned up"));
  EXPECT_THAT(log_, ElementsAre("make a", "clean up a", "destroy a"));
}

// Says goodbye by another component, and asks for a third one that was never made.
class Leaving : public Component {
 public:
  Leaving(ComponentRegistry& registry, std::vector<std::string>& log)
      : registry_(registry), log_(log) {}
  void CleanUp() override {
    log_.push_back(registry_.Get<Recorded>("there").ok() ? "there" : "gone");
    log_.push_back(std::string(registry_.Get<Recorded>("late").status().message()));
  }

 private:
  ComponentRegistry& registry_;
  std::vector<std::string>& log_;
};

TEST_F(ComponentRegistryTest, DuringCleanUpWhatIsThereCanBeUsedAndNothingIsMade) {
  const ComponentTable table = Table({Row("there", kContentOnly),
                                      {.name = "leaving",
                                       .users = kContentOnly,
                                       .make =
                                           [this](ComponentRegistry& registry) {
                                             return std::make_unique<Leaving>(registry, log_);
                                           }},
                                      Row("late", kContentOnly)});
  ComponentRegistry registry(table, {.type = ProcessType::kContent});
  ASSERT_TRUE(registry.Get<Recorded>("there").ok());
  ASSERT_TRUE(registry.Get<Component>("leaving").ok());
  log_.clear();
  registry.CleanUp();
  EXPECT_THAT(log_, ElementsAre("there", "component 'late': components were cleaned up",
                                "clean up there", "destroy there"));
}

}  // namespace
}  // namespace forkserver
