#include "preload/prefs/prefs_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preload/prefs/pref.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::TestParamInfo;
using ::testing::TestWithParam;
using ::testing::ValuesIn;

// A path of this test's own.
std::string PathFor(const std::string& name) {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  return absl::StrCat(testing::TempDir(), "/", test->name(), ".", name);
}

std::string WriteFile(const std::string& name, std::string_view text) {
  std::string path = PathFor(name);
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<ssize_t>(text.size()));
  return path;
}

std::vector<std::string> Lines(const std::vector<PrefDiagnostic>& diagnostics) {
  std::vector<std::string> lines;
  for (const PrefDiagnostic& diagnostic : diagnostics) lines.push_back(diagnostic.ToString());
  return lines;
}

// What the file is complained about, or why it could not be read.
std::vector<std::string> LoadFile(PrefsStore& store, const std::string& path) {
  const absl::StatusOr<std::vector<PrefDiagnostic>> diagnostics = store.LoadFile(path);
  if (!diagnostics.ok()) return {std::string(diagnostics.status().message())};
  return Lines(*diagnostics);
}

std::vector<std::string> LoadText(PrefsStore& store, std::string_view text,
                                  const std::string& file = "all.js") {
  return Lines(store.LoadText(text, file));
}

PrefsMap AttachTo(const PrefsGeneration& generation) {
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(generation.fd->get(), map), 0);
  return map;
}

PrefsMap Publish(PrefsStore& store) {
  const absl::StatusOr<PrefsGeneration> generation = store.Publish();
  EXPECT_TRUE(generation.ok()) << generation.status();
  return generation.ok() ? AttachTo(*generation) : PrefsMap();
}

ptrdiff_t CountDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_files(opendir("/proc/self/fd"), closedir);
  ptrdiff_t count = 0;
  while (readdir(open_files.get()) != nullptr) ++count;
  return count;
}

// While it lives, no descriptor can be opened.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none = {.rlim_cur = 0, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptorsLeft() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

// Which value counts.

TEST(PrefsStore, ALaterDefaultReplacesAnEarlierOne) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1); pref('a', 2);"), IsEmpty());
  EXPECT_EQ(Publish(store).GetInt("a", 0), 2);
}

TEST(PrefsStore, ALaterFileReplacesTheDefaultsOfAnEarlierOne) {
  PrefsStore store;
  EXPECT_THAT(LoadFile(store, WriteFile("1.js", "pref('a', 1); pref('b', 1);")), IsEmpty());
  EXPECT_THAT(LoadFile(store, WriteFile("2.js", "pref('b', 2); pref('c', 2);")), IsEmpty());
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.GetInt("a", 0), 1);
  EXPECT_EQ(map.GetInt("b", 0), 2);
  EXPECT_EQ(map.GetInt("c", 0), 2);
}

TEST(PrefsStore, ALaterUserValueReplacesAnEarlierOne) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 0); user_pref('a', 1); user_pref('a', 2);"), IsEmpty());
  EXPECT_EQ(Publish(store).GetInt("a", 0), 2);
}

TEST(PrefsStore, AUserValueCountsInsteadOfTheDefault) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1); user_pref('a', 2);"), IsEmpty());
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.GetInt("a", 0), 2);
  EXPECT_EQ(map.Find("a")->default_value, PrefValueView(1));
  EXPECT_EQ(map.Find("a")->user_value, PrefValueView(2));
}

TEST(PrefsStore, AUserValueCountsAlsoWhereTheDefaultComesLater) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "user_pref('a', 2); pref('a', 1);"), IsEmpty());
  EXPECT_EQ(Publish(store).GetInt("a", 0), 2);
}

TEST(PrefsStore, AUserValueMayStandWithoutADefault) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "user_pref('a', 'mine');"), IsEmpty());
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.GetString("a", ""), "mine");
  EXPECT_EQ(map.Find("a")->default_value, std::nullopt);
}

TEST(PrefsStore, ADefaultMayChangeItsType) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1); pref('a', 'text');"), IsEmpty());
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.GetString("a", ""), "text");
}

TEST(PrefsStore, EachNameCountsOnce) {
  PrefsStore store;
  EXPECT_EQ(store.size(), 0u);
  LoadText(store, "pref('a', 1); user_pref('a', 2); pref('b', 1); user_pref('c', 1);");
  EXPECT_EQ(store.size(), 3u);
}

TEST(PrefsStore, NamesThatDifferInCaseAreDifferentPrefs) {
  PrefsStore store;
  LoadText(store, "pref('name', 1); pref('Name', 2);");
  EXPECT_EQ(Publish(store).GetInt("name", 0), 1);
}

TEST(PrefsStore, EveryTypeIsPublished) {
  PrefsStore store;
  LoadText(store, "pref('bool', true); pref('int', -2147483648); pref('string', '\\u00e9');");
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.GetBool("bool", false), true);
  EXPECT_EQ(map.GetInt("int", 0), INT32_MIN);
  EXPECT_EQ(map.GetString("string", ""), "\xC3\xA9");
}

// Locks.

TEST(PrefsStore, ALockedDefaultCountsInsteadOfTheUserValue) {
  for (const char* text :
       {"pref('a', 1, locked); user_pref('a', 2);", "user_pref('a', 2); pref('a', 1, locked);",
        "lockPref('a', 1); user_pref('a', 2);", "user_pref('a', 2); lockPref('a', 1);"}) {
    PrefsStore store;
    EXPECT_THAT(LoadText(store, text), IsEmpty()) << text;
    const PrefsMap map = Publish(store);
    EXPECT_EQ(map.GetInt("a", 0), 1) << text;
    EXPECT_TRUE(map.Find("a")->locked) << text;
  }
}

TEST(PrefsStore, TheUserValueOfALockedPrefIsKept) {
  PrefsStore store;
  LoadText(store, "pref('a', 1, locked); user_pref('a', 2);");
  EXPECT_EQ(Publish(store).Find("a")->user_value, PrefValueView(2));
}

TEST(PrefsStore, PrefDoesNotReplaceALockedDefault) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1, locked); pref('a', 2);"), IsEmpty());
  EXPECT_EQ(Publish(store).GetInt("a", 0), 1);
}

TEST(PrefsStore, PrefWithTheAttributeLockedDoesNotReplaceALockedDefault) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1, locked); pref('a', 2, locked);"), IsEmpty());
  EXPECT_EQ(Publish(store).GetInt("a", 0), 1);
}

TEST(PrefsStore, LockPrefReplacesALockedDefault) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1, locked); lockPref('a', 2); lockPref('a', 3);"),
              IsEmpty());
  EXPECT_EQ(Publish(store).GetInt("a", 0), 3);
}

TEST(PrefsStore, LockPrefLocksADefaultThatWasNot) {
  PrefsStore store;
  LoadText(store, "pref('a', 1); lockPref('a', 2); pref('a', 3); user_pref('a', 4);");
  EXPECT_EQ(Publish(store).GetInt("a", 0), 2);
}

TEST(PrefsStore, ALockHoldsInLaterFiles) {
  PrefsStore store;
  LoadText(store, "pref('a', 1, locked);", "1.js");
  LoadText(store, "pref('a', 2); user_pref('a', 3);", "2.js");
  EXPECT_EQ(Publish(store).GetInt("a", 0), 1);
}

TEST(PrefsStore, ADefaultThatALockKeepsOutDoesNotMakeThePrefSticky) {
  PrefsStore store;
  LoadText(store, "pref('a', 1, locked); sticky_pref('a', 2);");
  EXPECT_FALSE(Publish(store).Find("a")->sticky);
}

TEST(PrefsStore, ADefaultThatALockKeepsOutDoesNotDropTheUserValue) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1, locked); user_pref('a', 2); pref('a', 'text');"),
              IsEmpty());
  EXPECT_EQ(Publish(store).Find("a")->user_value, PrefValueView(2));
}

// Stickiness.

TEST(PrefsStore, StickyIsPublished) {
  PrefsStore store;
  LoadText(store, "sticky_pref('a', 1); pref('b', 1, sticky); pref('c', 1);");
  const PrefsMap map = Publish(store);
  EXPECT_TRUE(map.Find("a")->sticky);
  EXPECT_TRUE(map.Find("b")->sticky);
  EXPECT_FALSE(map.Find("c")->sticky);
}

TEST(PrefsStore, AStickyPrefStaysSticky) {
  PrefsStore store;
  LoadText(store, "sticky_pref('a', 1); pref('a', 2); user_pref('a', 3);");
  EXPECT_TRUE(Publish(store).Find("a")->sticky);
}

TEST(PrefsStore, APrefWithAUserValueCanBecomeSticky) {
  PrefsStore store;
  LoadText(store, "user_pref('a', 3); sticky_pref('a', 1);");
  EXPECT_TRUE(Publish(store).Find("a")->sticky);
}

TEST(PrefsStore, AStickyUserValueThatEqualsTheDefaultIsKept) {
  PrefsStore store;
  LoadText(store, "sticky_pref('a', 1); user_pref('a', 1);");
  EXPECT_EQ(Publish(store).Find("a")->user_value, PrefValueView(1));
}

// User values of another type than the default.

struct MismatchRow {
  const char* name;
  const char* standard;
  const char* user;
  const char* reason;
};
void PrintTo(const MismatchRow& row, std::ostream* out) { *out << row.reason; }

class PrefsStoreMismatch : public TestWithParam<MismatchRow> {
 protected:
  std::string Standard() { return absl::StrCat("pref('a', ", GetParam().standard, ");\n"); }
  std::string User() { return absl::StrCat("user_pref('a', ", GetParam().user, ");\n"); }
};

TEST_P(PrefsStoreMismatch, IsAnErrorOfTheUserValuesLineWhereTheDefaultCameFirst) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, Standard() + "\n" + User()),
              ElementsAre(absl::StrCat("all.js:3: ", GetParam().reason)));
  EXPECT_EQ(Publish(store).Find("a")->user_value, std::nullopt);
}

TEST_P(PrefsStoreMismatch, IsAnErrorOfTheUserValuesLineWhereTheUserValueCameFirst) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "\n" + User() + Standard()),
              ElementsAre(absl::StrCat("all.js:2: ", GetParam().reason)));
  EXPECT_EQ(Publish(store).Find("a")->user_value, std::nullopt);
}

constexpr MismatchRow kMismatches[] = {
    {"BoolForInt", "1", "true", "user value of 'a' is of type bool, its default of type int"},
    {"BoolForString", "'x'", "true",
     "user value of 'a' is of type bool, its default of type string"},
    {"IntForBool", "true", "1", "user value of 'a' is of type int, its default of type bool"},
    {"IntForString", "'x'", "1", "user value of 'a' is of type int, its default of type string"},
    {"StringForBool", "true", "'true'",
     "user value of 'a' is of type string, its default of type bool"},
    {"StringForInt", "1", "'1'", "user value of 'a' is of type string, its default of type int"},
};
INSTANTIATE_TEST_SUITE_P(Types, PrefsStoreMismatch, ValuesIn(kMismatches),
                         [](const TestParamInfo<MismatchRow>& info) { return info.param.name; });

TEST(PrefsStore, AUserValueOfAnotherTypeIsReportedInItsOwnFile) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "\n\nuser_pref('a', 1);", "user.js"), IsEmpty());
  EXPECT_THAT(
      LoadText(store, "pref('a', 'x');", "all.js"),
      ElementsAre("user.js:3: user value of 'a' is of type int, its default of type string"));
}

TEST(PrefsStore, AUserValueOfAnotherTypeDoesNotReplaceOneOfTheRightType) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1);\nuser_pref('a', 2);\nuser_pref('a', 'x');"),
              SizeIs(1));
  EXPECT_EQ(Publish(store).GetInt("a", 0), 2);
}

TEST(PrefsStore, AUserValueOfAnotherTypeIsAnErrorForALockedPrefToo) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1, locked);\nuser_pref('a', 'x');"), SizeIs(1));
  EXPECT_EQ(Publish(store).Find("a")->user_value, std::nullopt);
}

TEST(PrefsStore, ADefaultThatChangesItsTypeDropsTheUserValueOfTheOldType) {
  PrefsStore store;
  EXPECT_THAT(
      LoadText(store, "pref('a', 1);\nuser_pref('a', 2);\npref('a', 'x');"),
      ElementsAre("all.js:2: user value of 'a' is of type int, its default of type string"));
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.GetString("a", ""), "x");
  EXPECT_EQ(map.Find("a")->user_value, std::nullopt);
}

TEST(PrefsStore, LockPrefOfAnotherTypeDropsTheUserValueOfTheOldType) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1, locked);\nuser_pref('a', 2);\nlockPref('a', true);"),
              ElementsAre("all.js:2: user value of 'a' is of type int, its default of type bool"));
}

TEST(PrefsStore, AUserValueThatWasDroppedIsReportedOnce) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "user_pref('a', 1);\npref('a', 'x');"), SizeIs(1));
  EXPECT_THAT(LoadText(store, "pref('a', true);"), IsEmpty());
}

TEST(PrefsStore, OfTwoUserValuesWithoutADefaultTheLaterTypeCounts) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "user_pref('a', 1); user_pref('a', 'x');"), IsEmpty());
  EXPECT_EQ(Publish(store).GetString("a", ""), "x");
}

// Diagnostics.

TEST(PrefsStore, ADiagnosticReadsAsFileLineAndReason) {
  EXPECT_EQ((PrefDiagnostic{"all.js", 12, "expected ';' after ')'"}).ToString(),
            "all.js:12: expected ';' after ')'");
}

TEST(PrefsStore, AMalformedLineOfAFileIsReportedWithThePathAndTheRestIsRead) {
  const std::string path = WriteFile("all.js", "pref('a', 1);\npref('b' 2);\npref('c', 3);\n");
  PrefsStore store;
  EXPECT_THAT(LoadFile(store, path),
              ElementsAre(absl::StrCat(path, ":2: expected ',' after the pref's name")));
  EXPECT_EQ(store.size(), 2u);
}

TEST(PrefsStore, AnIntBeyond32BitsIsAnErrorAndTheEarlierValueStays) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1);\npref('a', 2147483648);"),
              ElementsAre("all.js:2: integer does not fit in 32 bits"));
  EXPECT_EQ(Publish(store).GetInt("a", 0), 1);
}

TEST(PrefsStore, DiagnosticsOfBothKindsComeInTheOrderOfTheFile) {
  PrefsStore store;
  EXPECT_THAT(LoadText(store, "pref('a', 1);\nnonsense;\nuser_pref('a', 'x');\n@;"),
              ElementsAre("all.js:2: unknown keyword 'nonsense'",
                          "all.js:3: user value of 'a' is of type string, its default of type int",
                          "all.js:4: unexpected character '@'"));
}

// Files.

TEST(PrefsStore, AnEmptyFileIsFine) {
  PrefsStore store;
  EXPECT_THAT(LoadFile(store, WriteFile("empty.js", "")), IsEmpty());
  EXPECT_EQ(store.size(), 0u);
}

TEST(PrefsStore, AFileOfManyReadsIsReadWhole) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    absl::StrAppend(&text, "pref(\"branch.pref.", i, "\", ", i, ");\n");
  PrefsStore store;
  EXPECT_THAT(LoadFile(store, WriteFile("large.js", text)), IsEmpty());
  const PrefsMap map = Publish(store);
  ASSERT_EQ(map.size(), 20'000u);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(map.GetInt(absl::StrCat("branch.pref.", i), -1), i);
  }
}

TEST(PrefsStore, AMissingFileIsAnErrorThatNamesIt) {
  PrefsStore store;
  const std::string path = PathFor("missing.js");
  const absl::Status status = store.LoadFile(path).status();
  EXPECT_EQ(status, absl::NotFoundError(absl::StrCat("open ", path, ": ENOENT")));
}

TEST(PrefsStore, AFileInAMissingFolderIsAnErrorThatNamesIt) {
  PrefsStore store;
  const std::string path = PathFor("missing") + "/all.js";
  EXPECT_THAT(LoadFile(store, path), ElementsAre(absl::StrCat("open ", path, ": ENOENT")));
}

TEST(PrefsStore, AFileBelowAFileIsAnErrorThatNamesIt) {
  PrefsStore store;
  const std::string path = WriteFile("all.js", "") + "/all.js";
  EXPECT_THAT(LoadFile(store, path), ElementsAre(absl::StrCat("open ", path, ": ENOTDIR")));
}

TEST(PrefsStore, AnEmptyPathIsAnError) {
  PrefsStore store;
  EXPECT_THAT(LoadFile(store, ""), ElementsAre("open : ENOENT"));
}

TEST(PrefsStore, ALinkToItselfIsAnErrorThatNamesIt) {
  PrefsStore store;
  const std::string path = PathFor("loop.js");
  unlink(path.c_str());
  ASSERT_EQ(symlink(path.c_str(), path.c_str()), 0);
  EXPECT_THAT(LoadFile(store, path), ElementsAre(absl::StrCat("open ", path, ": ELOOP")));
}

TEST(PrefsStore, AFolderIsAnErrorThatNamesIt) {
  PrefsStore store;
  const std::string path = testing::TempDir();
  EXPECT_THAT(LoadFile(store, path), ElementsAre(absl::StrCat("read ", path, ": EISDIR")));
}

// Root may read every file of a disk, but nobody may read at address 0.
TEST(PrefsStore, AnUnreadableFileIsAnErrorThatNamesIt) {
  PrefsStore store;
  EXPECT_THAT(LoadFile(store, "/proc/self/mem"), ElementsAre("read /proc/self/mem: EIO"));
}

TEST(PrefsStore, NoDescriptorLeftIsAnErrorThatNamesTheFile) {
  PrefsStore store;
  const std::string path = WriteFile("all.js", "pref('a', 1);");
  std::vector<std::string> errors;
  {
    const NoDescriptorsLeft none;
    errors = LoadFile(store, path);
  }
  EXPECT_THAT(errors, ElementsAre(absl::StrCat("open ", path, ": EMFILE")));
}

TEST(PrefsStore, AFileThatCannotBeReadChangesNothing) {
  PrefsStore store;
  LoadText(store, "pref('a', 1);");
  ASSERT_FALSE(store.LoadFile(PathFor("missing.js")).ok());
  ASSERT_FALSE(store.LoadFile(testing::TempDir()).ok());
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.GetInt("a", 0), 1);
}

TEST(PrefsStore, LoadingLeavesNoDescriptorOpen) {
  const std::string path = WriteFile("all.js", "pref('a', 1);");
  PrefsStore store;
  const ptrdiff_t before = CountDescriptors();
  ASSERT_TRUE(store.LoadFile(path).ok());
  ASSERT_FALSE(store.LoadFile(testing::TempDir()).ok());
  ASSERT_FALSE(store.LoadFile(PathFor("missing.js")).ok());
  EXPECT_EQ(CountDescriptors(), before);
}

// Generations.

TEST(PrefsStore, GenerationsCountUpFromOne) {
  PrefsStore store;
  EXPECT_EQ(store.Publish()->number, 1u);
  EXPECT_EQ(store.Publish()->number, 2u);
  LoadText(store, "pref('a', 1);");
  EXPECT_EQ(store.Publish()->number, 3u);
}

TEST(PrefsStore, TheMapHasTheNumberOfItsGeneration) {
  PrefsStore store;
  EXPECT_EQ(Publish(store).generation(), 1u);
  EXPECT_EQ(Publish(store).generation(), 2u);
}

TEST(PrefsStore, StoresCountByThemselves) {
  PrefsStore one;
  PrefsStore other;
  ASSERT_EQ(one.Publish()->number, 1u);
  EXPECT_EQ(other.Publish()->number, 1u);
}

TEST(PrefsStore, AnOldGenerationKeepsItsValuesAfterANewOne) {
  PrefsStore store;
  LoadText(store, "pref('a', 'old'); pref('b', 1);");
  const absl::StatusOr<PrefsGeneration> old_generation = store.Publish();
  ASSERT_TRUE(old_generation.ok());
  const PrefsMap attached_before = AttachTo(*old_generation);
  LoadText(store, "pref('a', 'new'); user_pref('b', 2); pref('c', 3);");
  const PrefsMap new_map = Publish(store);
  const PrefsMap attached_after = AttachTo(*old_generation);
  for (const PrefsMap* map : {&attached_before, &attached_after}) {
    EXPECT_EQ(map->generation(), 1u);
    EXPECT_EQ(map->size(), 2u);
    EXPECT_EQ(map->GetString("a", ""), "old");
    EXPECT_EQ(map->GetInt("b", 0), 1);
  }
  EXPECT_EQ(new_map.GetString("a", ""), "new");
  EXPECT_EQ(new_map.GetInt("b", 0), 2);
}

TEST(PrefsStore, AGenerationOutlivesItsStore) {
  absl::StatusOr<PrefsGeneration> generation;
  {
    PrefsStore store;
    LoadText(store, "pref('a', 'kept');");
    generation = store.Publish();
  }
  ASSERT_TRUE(generation.ok());
  EXPECT_EQ(AttachTo(*generation).GetString("a", ""), "kept");
}

TEST(PrefsStore, AnEmptyStorePublishesAnEmptyMap) {
  PrefsStore store;
  const PrefsMap map = Publish(store);
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.generation(), 1u);
}

TEST(PrefsStore, PublishesNamesInTheOrderOfTheirBytes) {
  PrefsStore store;
  LoadText(store,
           "pref('b', 1); pref('\xC3\xA9', 1); pref('a.b', 1); pref('B', 1); pref('a', 1);"
           "user_pref('c', 1); pref('a-b', 1);");
  const PrefsMap map = Publish(store);
  std::vector<std::string_view> names;
  for (size_t i = 0; i < map.size(); ++i) names.push_back(map.at(i).name);
  EXPECT_THAT(names, ElementsAre("B", "a", "a-b", "a.b", "b", "c", "\xC3\xA9"));
}

TEST(PrefsStore, AGenerationCannotBeChanged) {
  PrefsStore store;
  LoadText(store, "pref('a', 1);");
  const absl::StatusOr<PrefsGeneration> generation = store.Publish();
  ASSERT_TRUE(generation.ok());
  const int fd = generation->fd->get();
  EXPECT_EQ(pwrite(fd, "x", 1, 0), -1);
  EXPECT_EQ(ftruncate(fd, 1), -1);
  EXPECT_EQ(ftruncate(fd, 1 << 20), -1);
  EXPECT_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

TEST(PrefsStore, AGenerationIsClosedOnExec) {
  PrefsStore store;
  const absl::StatusOr<PrefsGeneration> generation = store.Publish();
  ASSERT_TRUE(generation.ok());
  EXPECT_EQ(fcntl(generation->fd->get(), F_GETFD), FD_CLOEXEC);
}

TEST(PrefsStore, AGenerationIsOneDescriptorUntilItsLastCopyIsGone) {
  PrefsStore store;
  const ptrdiff_t before = CountDescriptors();
  {
    const absl::StatusOr<PrefsGeneration> generation = store.Publish();
    ASSERT_TRUE(generation.ok());
    const PrefsGeneration copy = *generation;
    EXPECT_EQ(CountDescriptors(), before + 1);
  }
  EXPECT_EQ(CountDescriptors(), before);
}

TEST(PrefsStore, NoDescriptorLeftFailsThePublicationAndTakesNoNumber) {
  PrefsStore store;
  absl::Status status;
  {
    const NoDescriptorsLeft none;
    status = store.Publish().status();
  }
  EXPECT_EQ(status.message(), "memfd_create prefs: EMFILE");
  EXPECT_EQ(store.Publish()->number, 1u);
}

// What the map takes besides the string of its only pref, 'a': the header, the pref's 13 bytes,
// the string's end, the name.
constexpr size_t kMapBytesBesidesTheString = 40 + 13 + 4 + 1;

TEST(PrefsStore, AMapOfTheLimitIsPublishedAndAttached) {
  PrefsStore store;
  const std::string text(PrefsMap::kMaxBytes - kMapBytesBesidesTheString, 'x');
  LoadText(store, absl::StrCat("pref('a', '", text, "');"));
  EXPECT_EQ(Publish(store).GetString("a", "").size(), text.size());
}

TEST(PrefsStore, AMapOneByteOverTheLimitFailsThePublicationAndTakesNoNumber) {
  PrefsStore store;
  const std::string text(PrefsMap::kMaxBytes - kMapBytesBesidesTheString + 1, 'x');
  LoadText(store, absl::StrCat("pref('a', '", text, "');"));
  EXPECT_EQ(store.Publish().status().code(), absl::StatusCode::kResourceExhausted);
  LoadText(store, "pref('a', '');");
  EXPECT_EQ(store.Publish()->number, 1u);
}

}  // namespace
}  // namespace forkserver
