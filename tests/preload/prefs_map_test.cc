#include "preload/prefs/prefs_map.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <latch>
#include <memory>
#include <new>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preload/prefs/pref.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/unique_fd.h"

namespace {

thread_local size_t allocations_of_this_thread = 0;

void* CountedAllocation(size_t size) {
  ++allocations_of_this_thread;
  return malloc(size != 0 ? size : 1);
}

void* CountedAllocationOrThrow(size_t size) {
  void* memory = CountedAllocation(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Every pair, since AddressSanitizer tells what its own operators allocate from what malloc does.
void* operator new(size_t size) { return CountedAllocationOrThrow(size); }
void* operator new[](size_t size) { return CountedAllocationOrThrow(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return CountedAllocation(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return CountedAllocation(size);
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { free(memory); }

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::TestParamInfo;
using ::testing::TestWithParam;
using ::testing::ValuesIn;

using namespace std::string_view_literals;

std::string_view Open(const std::vector<uint8_t>& bytes, PrefsMap& map) {
  return PrefsMap::Open(bytes, map);
}

// Over bytes that are right.
PrefsMap MapOver(const std::vector<uint8_t>& bytes) {
  PrefsMap map;
  EXPECT_EQ(Open(bytes, map), "");
  return map;
}

bool LiesWithin(std::string_view text, std::span<const uint8_t> bytes) {
  const char* start = reinterpret_cast<const char*>(bytes.data());
  return text.empty() ||
         (text.data() >= start && text.data() + text.size() <= start + bytes.size());
}

bool LiesWithin(const std::optional<PrefValueView>& value, std::span<const uint8_t> bytes) {
  const std::string_view* text = value ? std::get_if<std::string_view>(&*value) : nullptr;
  return text == nullptr || LiesWithin(*text, bytes);
}

uint64_t SumOf(std::string_view text) {
  uint64_t sum = text.size();
  for (const char c : text) sum = sum * 31 + static_cast<unsigned char>(c);
  return sum;
}

uint64_t SumOf(const PrefValueView& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  if (const int32_t* number = std::get_if<int32_t>(&value)) return static_cast<uint32_t>(*number);
  return SumOf(std::get<std::string_view>(value));
}

// Reads every byte that the map leads to and looks up every name. Returns what was read, so that
// no reading can be left out.
uint64_t ReadEverything(const PrefsMap& map, std::span<const uint8_t> bytes) {
  uint64_t sum = map.generation();
  for (size_t i = 0; i < map.size(); ++i) {
    const PrefEntry entry = map.at(i);
    EXPECT_TRUE(LiesWithin(entry.name, bytes));
    EXPECT_TRUE(LiesWithin(entry.default_value, bytes));
    EXPECT_TRUE(LiesWithin(entry.user_value, bytes));
    EXPECT_TRUE(entry.default_value || entry.user_value);
    sum += SumOf(entry.name) + SumOf(entry.effective());
    if (entry.default_value) sum += SumOf(*entry.default_value);
    if (entry.user_value) sum += SumOf(*entry.user_value);
    // A corrupt name may be in the wrong place, where it need not be found.
    if (const std::optional<PrefEntry> found = map.Find(entry.name)) sum += SumOf(found->name);
    sum += SumOf(map.GetString(entry.name, "fallback"));
    sum += static_cast<uint32_t>(map.GetInt(entry.name, 1)) + map.GetBool(entry.name, true);
  }
  for (const std::string_view name : {"", "a", "browser.startup.page", "\xFF"}) {
    if (const std::optional<PrefEntry> found = map.Find(name)) sum += SumOf(found->name);
  }
  return sum;
}

// Of every type, with every combination of values and flags that matters; sorted.
std::vector<PrefEntry> SmallEntries() {
  return {
      {.name = "a.bool",
       .type = PrefType::kBool,
       .default_value = true,
       .user_value = std::nullopt},
      {.name = "a.locked",
       .type = PrefType::kInt,
       .locked = true,
       .default_value = 1,
       .user_value = 2},
      {.name = "b.string",
       .type = PrefType::kString,
       .default_value = "default"sv,
       .user_value = "user's"sv},
      {.name = "b.user.only",
       .type = PrefType::kString,
       .sticky = true,
       .default_value = std::nullopt,
       .user_value = "mine"sv},
      {.name = "c.empty",
       .type = PrefType::kString,
       .default_value = ""sv,
       .user_value = std::nullopt},
  };
}

std::vector<uint8_t> SmallMap() { return EncodePrefsMap(SmallEntries(), 7); }

PrefEntry IntPref(std::string_view name, int32_t value) {
  return {.name = name, .type = PrefType::kInt, .default_value = value, .user_value = std::nullopt};
}

// 5000 prefs as a browser has them, and the texts that their entries point to.
class ManyPrefs {
 public:
  static constexpr size_t kCount = 5000;

  ManyPrefs() {
    for (size_t i = 0; i < kCount; ++i) {
      names_.push_back(absl::StrFormat("branch.%d.pref.%d", i % 50, i));
      texts_.push_back(absl::StrFormat("https://example.org/%d", i));
      user_texts_.push_back(std::string(i % 40, 'u'));
    }
    for (size_t i = 0; i < kCount; ++i) entries_.push_back(Entry(i));
    std::sort(entries_.begin(), entries_.end(),
              [](const PrefEntry& left, const PrefEntry& right) { return left.name < right.name; });
  }

  const std::vector<PrefEntry>& entries() const { return entries_; }

 private:
  PrefEntry Entry(size_t i) const {
    const int32_t number = static_cast<int32_t>(i * 2'654'435'761u);
    const PrefValueView standard[] = {i % 2 == 0, number, texts_[i]};
    const PrefValueView user[] = {i % 2 != 0, -number, user_texts_[i]};
    PrefEntry entry = {.name = names_[i],
                       .type = static_cast<PrefType>(i % 3 + 1),
                       .sticky = i % 5 == 0,
                       .locked = i % 7 == 0,
                       .default_value = standard[i % 3],
                       .user_value = user[i % 3]};
    if (i % 4 == 0) entry.user_value.reset();
    if (i % 4 == 1 && i % 7 != 0) entry.default_value.reset();
    return entry;
  }

  std::vector<std::string> names_, texts_, user_texts_;
  std::vector<PrefEntry> entries_;
};

bool Same(const PrefEntry& left, const PrefEntry& right) {
  return left.name == right.name && left.type == right.type && left.sticky == right.sticky &&
         left.locked == right.locked && left.default_value == right.default_value &&
         left.user_value == right.user_value;
}

UniqueFd Seal(std::span<const uint8_t> bytes) {
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("prefs-under-test", bytes);
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : UniqueFd();
}

ptrdiff_t CountDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_files(opendir("/proc/self/fd"), closedir);
  ptrdiff_t count = 0;
  while (readdir(open_files.get()) != nullptr) ++count;
  return count;
}

// Those of memfds that Seal made.
std::vector<std::string> Mappings() {
  std::ifstream maps("/proc/self/maps");
  std::vector<std::string> mappings;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:prefs-under-test") != line.npos) mappings.push_back(line);
  }
  return mappings;
}

// Round trips.

TEST(PrefsMap, FiveThousandPrefsComeBackAsTheyWere) {
  const ManyPrefs prefs;
  const std::vector<uint8_t> bytes = EncodePrefsMap(prefs.entries(), 1);
  const PrefsMap map = MapOver(bytes);
  ASSERT_EQ(map.size(), ManyPrefs::kCount);
  for (size_t i = 0; i < map.size(); ++i) {
    ASSERT_TRUE(Same(map.at(i), prefs.entries()[i])) << prefs.entries()[i].name;
  }
}

TEST(PrefsMap, FiveThousandPrefsAreSorted) {
  const ManyPrefs prefs;
  const std::vector<uint8_t> bytes = EncodePrefsMap(prefs.entries(), 1);
  const PrefsMap map = MapOver(bytes);
  for (size_t i = 1; i < map.size(); ++i) ASSERT_LT(map.at(i - 1).name, map.at(i).name);
}

TEST(PrefsMap, EachOfFiveThousandPrefsIsFoundByItsName) {
  const ManyPrefs prefs;
  const std::vector<uint8_t> bytes = EncodePrefsMap(prefs.entries(), 1);
  const PrefsMap map = MapOver(bytes);
  for (const PrefEntry& entry : prefs.entries()) {
    const std::optional<PrefEntry> found = map.Find(entry.name);
    ASSERT_TRUE(found) << entry.name;
    ASSERT_TRUE(Same(*found, entry)) << entry.name;
  }
}

TEST(PrefsMap, NoNameBesideTheFiveThousandIsFound) {
  const ManyPrefs prefs;
  const std::vector<uint8_t> bytes = EncodePrefsMap(prefs.entries(), 1);
  const PrefsMap map = MapOver(bytes);
  for (const PrefEntry& entry : prefs.entries()) {
    const std::string name(entry.name);
    ASSERT_FALSE(map.Find(name + "!")) << name;
    ASSERT_FALSE(map.Find(name + '\0')) << name;
    ASSERT_FALSE(map.Find("!" + name)) << name;
    ASSERT_FALSE(map.Find("z" + name)) << name;
  }
}

TEST(PrefsMap, MapsOfEverySmallSizeFindEachOfTheirNamesAndNoneBetween) {
  for (size_t count = 0; count < 40; ++count) {
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) names.push_back(absl::StrFormat("pref.%03d", i));
    std::vector<PrefEntry> entries;
    for (size_t i = 0; i < count; ++i) entries.push_back(IntPref(names[i], static_cast<int>(i)));
    const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
    const PrefsMap map = MapOver(bytes);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(map.GetInt(names[i], -1), static_cast<int>(i)) << "of " << count;
      ASSERT_EQ(map.GetInt(names[i] + "+", -1), -1) << "of " << count;
    }
    ASSERT_EQ(map.GetInt("pref", -1), -1) << "of " << count;
    ASSERT_EQ(map.GetInt("q", -1), -1) << "of " << count;
  }
}

TEST(PrefsMap, ANameThatBeginsAnotherIsToldFromIt) {
  const std::vector<PrefEntry> entries = {IntPref("a", 1), IntPref("a.b", 2), IntPref("a.b.c", 3)};
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
  const PrefsMap map = MapOver(bytes);
  EXPECT_EQ(map.GetInt("a", 0), 1);
  EXPECT_EQ(map.GetInt("a.b", 0), 2);
  EXPECT_EQ(map.GetInt("a.b.c", 0), 3);
  EXPECT_FALSE(map.Find("a."));
  EXPECT_FALSE(map.Find(""));
}

TEST(PrefsMap, NamesAreInTheOrderOfTheirUnsignedBytes) {
  const std::vector<PrefEntry> entries = {IntPref("A", 1), IntPref("z", 2), IntPref("\x80", 3),
                                          IntPref("\xC3\xA9", 4), IntPref("\xFF", 5)};
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
  const PrefsMap map = MapOver(bytes);
  for (const PrefEntry& entry : entries) {
    ASSERT_TRUE(map.Find(entry.name));
    EXPECT_TRUE(Same(*map.Find(entry.name), entry));
  }
}

TEST(PrefsMap, AStringMayHoldAnyBytes) {
  std::string all_bytes;
  for (int byte = 0; byte < 256; ++byte) all_bytes += static_cast<char>(byte);
  const std::vector<PrefEntry> entries = {{.name = "a",
                                           .type = PrefType::kString,
                                           .default_value = all_bytes,
                                           .user_value = std::nullopt}};
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
  EXPECT_EQ(MapOver(bytes).GetString("a", ""), all_bytes);
}

TEST(PrefsMap, TheLimitsOfAnIntComeBack) {
  const std::vector<PrefEntry> entries = {IntPref("maximum", INT32_MAX),
                                          IntPref("minimum", INT32_MIN), IntPref("minus.one", -1)};
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
  const PrefsMap map = MapOver(bytes);
  EXPECT_EQ(map.GetInt("maximum", 0), INT32_MAX);
  EXPECT_EQ(map.GetInt("minimum", 0), INT32_MIN);
  EXPECT_EQ(map.GetInt("minus.one", 0), -1);
}

TEST(PrefsMap, StickyAndLockedComeBackOneByOne) {
  std::vector<PrefEntry> entries = {IntPref("both", 1), IntPref("locked", 1), IntPref("none", 1),
                                    IntPref("sticky", 1)};
  entries[0].sticky = entries[0].locked = true;
  entries[1].locked = true;
  entries[3].sticky = true;
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
  const PrefsMap map = MapOver(bytes);
  for (size_t i = 0; i < entries.size(); ++i) EXPECT_TRUE(Same(map.at(i), entries[i])) << i;
}

TEST(PrefsMap, AGenerationHas64Bits) {
  for (const uint64_t generation : {uint64_t{1}, uint64_t{1} << 32, UINT64_MAX}) {
    const std::vector<uint8_t> bytes = EncodePrefsMap(SmallEntries(), generation);
    EXPECT_EQ(MapOver(bytes).generation(), generation);
  }
}

TEST(PrefsMap, OneThatIsNotAttachedIsEmptyAndOfGenerationZero) {
  const PrefsMap map;
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.generation(), 0u);
  EXPECT_FALSE(map.Find("a"));
  EXPECT_EQ(map.GetInt("a", 5), 5);
}

TEST(PrefsMap, OneWithoutPrefsHasItsGenerationAndFindsNothing) {
  const std::vector<uint8_t> bytes = EncodePrefsMap({}, 3);
  const PrefsMap map = MapOver(bytes);
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.generation(), 3u);
  EXPECT_FALSE(map.Find(""));
  EXPECT_FALSE(map.Find("a"));
}

TEST(PrefsMap, LooksUpInPlace) {
  const std::vector<uint8_t> bytes = SmallMap();
  const PrefsMap map = MapOver(bytes);
  EXPECT_TRUE(LiesWithin(map.Find("b.string")->name, bytes));
  EXPECT_TRUE(LiesWithin(map.GetString("b.string", ""), bytes));
  EXPECT_TRUE(LiesWithin(map.Find("b.string")->default_value, bytes));
}

// Effective values.

struct EffectiveRow {
  const char* name;
  std::optional<PrefValueView> standard;
  std::optional<PrefValueView> user;
  bool locked;
  int32_t effective;
};
void PrintTo(const EffectiveRow& row, std::ostream* out) { *out << row.name; }

class PrefsMapEffective : public TestWithParam<EffectiveRow> {};

TEST_P(PrefsMapEffective, ValueIsTheUsersUnlessThereIsNoneOrThePrefIsLocked) {
  const std::vector<PrefEntry> entries = {{.name = "a",
                                           .type = PrefType::kInt,
                                           .locked = GetParam().locked,
                                           .default_value = GetParam().standard,
                                           .user_value = GetParam().user}};
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
  const PrefsMap map = MapOver(bytes);
  EXPECT_EQ(map.GetInt("a", 0), GetParam().effective);
  EXPECT_EQ(map.at(0).effective(), PrefValueView(GetParam().effective));
}

const EffectiveRow kEffective[] = {
    {"DefaultOnly", 1, std::nullopt, false, 1},
    {"UserOnly", std::nullopt, 2, false, 2},
    {"Both", 1, 2, false, 2},
    {"LockedDefaultOnly", 1, std::nullopt, true, 1},
    {"LockedUserOnly", std::nullopt, 2, true, 2},
    {"LockedBoth", 1, 2, true, 1},
};
INSTANTIATE_TEST_SUITE_P(Values, PrefsMapEffective, ValuesIn(kEffective),
                         [](const TestParamInfo<EffectiveRow>& info) { return info.param.name; });

TEST(PrefsMap, GettersGiveTheEffectiveValueOfTheirType) {
  const std::vector<uint8_t> bytes = SmallMap();
  const PrefsMap map = MapOver(bytes);
  EXPECT_EQ(map.GetBool("a.bool", false), true);
  EXPECT_EQ(map.GetInt("a.locked", 0), 1);
  EXPECT_EQ(map.GetString("b.string", ""), "user's");
  EXPECT_EQ(map.GetString("b.user.only", ""), "mine");
  EXPECT_EQ(map.GetString("c.empty", "fallback"), "");
}

TEST(PrefsMap, GettersGiveTheFallbackForAMissingName) {
  const std::vector<uint8_t> bytes = SmallMap();
  const PrefsMap map = MapOver(bytes);
  EXPECT_EQ(map.GetBool("missing", true), true);
  EXPECT_EQ(map.GetBool("missing", false), false);
  EXPECT_EQ(map.GetInt("missing", -5), -5);
  EXPECT_EQ(map.GetString("missing", "fallback"), "fallback");
}

TEST(PrefsMap, GettersGiveTheFallbackForAnotherType) {
  const std::vector<uint8_t> bytes = SmallMap();
  const PrefsMap map = MapOver(bytes);
  EXPECT_EQ(map.GetBool("a.locked", false), false);
  EXPECT_EQ(map.GetBool("b.string", true), true);
  EXPECT_EQ(map.GetInt("a.bool", -5), -5);
  EXPECT_EQ(map.GetInt("b.string", -5), -5);
  EXPECT_EQ(map.GetString("a.bool", "fallback"), "fallback");
  EXPECT_EQ(map.GetString("a.locked", "fallback"), "fallback");
}

// Corrupt maps.

TEST(PrefsMap, EveryTruncationIsRejected) {
  const std::vector<uint8_t> whole = SmallMap();
  for (size_t size = 0; size < whole.size(); ++size) {
    PrefsMap map;
    ASSERT_NE(Open(std::vector<uint8_t>(whole.begin(), whole.begin() + size), map), "") << size;
    ASSERT_EQ(map.size(), 0u) << size;
  }
}

TEST(PrefsMap, EveryTruncationIsRejectedAlsoWhereTheHeaderAgreesWithTheSize) {
  const std::vector<uint8_t> whole = SmallMap();
  for (uint32_t size = 12; size < whole.size(); ++size) {
    std::vector<uint8_t> bytes(whole.begin(), whole.begin() + size);
    memcpy(bytes.data() + 8, &size, sizeof(size));
    PrefsMap map;
    ASSERT_NE(Open(bytes, map), "") << size;
  }
}

TEST(PrefsMap, BytesBehindTheEndAreRejected) {
  std::vector<uint8_t> bytes = SmallMap();
  bytes.push_back(0);
  PrefsMap map;
  EXPECT_EQ(Open(bytes, map), "its size is not what its header says");
}

TEST(PrefsMap, BytesThatAreNotAlignedAreRejected) {
  std::vector<uint8_t> bytes = SmallMap();
  bytes.insert(bytes.begin(), 0);
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Open(std::span<const uint8_t>(bytes).subspan(1), map), "not aligned");
}

TEST(PrefsMap, OneThatIsRejectedIsEmptyAfterwards) {
  const std::vector<uint8_t> good = SmallMap();
  PrefsMap map = MapOver(good);
  ASSERT_EQ(map.size(), 5u);
  EXPECT_NE(Open(std::vector<uint8_t>(good.size()), map), "");
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.generation(), 0u);
  EXPECT_FALSE(map.Find("a.bool"));
}

// Sizes and places of SmallMap's parts, as the format in the header says.
constexpr size_t kCount = 5;
constexpr size_t kStringCount = 4;
constexpr size_t kNameEnds = 40;
constexpr size_t kStringEnds = kNameEnds + 4 * kCount;
constexpr size_t kDefaultValues = kStringEnds + 4 * kStringCount;
constexpr size_t kUserValues = kDefaultValues + 4 * kCount;
constexpr size_t kFlags = kUserValues + 4 * kCount;

struct CorruptionRow {
  const char* name;
  size_t at;
  size_t width;
  uint32_t value;
  const char* reason;
};
void PrintTo(const CorruptionRow& row, std::ostream* out) { *out << row.name; }

class PrefsMapCorruption : public TestWithParam<CorruptionRow> {};

TEST_P(PrefsMapCorruption, IsRejectedWithItsReason) {
  std::vector<uint8_t> bytes = SmallMap();
  uint32_t before = 0;
  memcpy(&before, bytes.data() + GetParam().at, GetParam().width);
  ASSERT_NE(before, GetParam().value);
  memcpy(bytes.data() + GetParam().at, &GetParam().value, GetParam().width);
  PrefsMap map;
  EXPECT_EQ(Open(bytes, map), GetParam().reason);
  EXPECT_EQ(map.size(), 0u);
}

constexpr char kWrongSize[] = "its size is not what its header says";
constexpr char kBadName[] = "a name is out of bounds";
constexpr char kBadString[] = "a string is out of bounds";
constexpr char kBadValue[] = "a value out of bounds";

constexpr CorruptionRow kCorruptions[] = {
    {"Magic", 0, 4, 0x46534B50, "wrong magic"},
    {"VersionZero", 4, 4, 0, "another version"},
    {"VersionTwo", 4, 4, 2, "another version"},
    {"TotalBytesZero", 8, 4, 0, kWrongSize},
    {"TotalBytesHuge", 8, 4, UINT32_MAX, kWrongSize},
    {"CountZero", 12, 4, 0, kWrongSize},
    {"CountOneMore", 12, 4, kCount + 1, kWrongSize},
    {"CountHuge", 12, 4, UINT32_MAX, kWrongSize},
    {"StringCountOneMore", 16, 4, kStringCount + 1, kWrongSize},
    {"StringCountHuge", 16, 4, UINT32_MAX, kWrongSize},
    {"StringCountWhoseBytesWrapIn32Bits", 16, 4, (uint32_t{1} << 30) + kStringCount, kWrongSize},
    {"NameBytesHuge", 20, 4, UINT32_MAX, kWrongSize},
    {"StringBytesHuge", 24, 4, UINT32_MAX, kWrongSize},
    {"ReservedField", 28, 4, 1, "reserved field is not zero"},
    {"FirstNameEndHuge", kNameEnds, 4, UINT32_MAX, kBadName},
    {"FirstNameEndBehindTheSecond", kNameEnds, 4, 15, kBadName},
    {"NameEndBeforeThePreviousOne", kNameEnds + 4, 4, 5, kBadName},
    {"LastNameEndOneTooFar", kNameEnds + 4 * (kCount - 1), 4, 41, kBadName},
    {"LastNameEndOneTooNear", kNameEnds + 4 * (kCount - 1), 4, 39, kBadName},
    {"FirstStringEndHuge", kStringEnds, 4, UINT32_MAX, kBadString},
    {"StringEndBeforeThePreviousOne", kStringEnds + 4, 4, 6, kBadString},
    {"LastStringEndOneTooFar", kStringEnds + 4 * (kStringCount - 1), 4, 18, kBadString},
    {"LastStringEndOneTooNear", kStringEnds + 4 * (kStringCount - 1), 4, 16, kBadString},
    {"BoolOfTwo", kDefaultValues, 4, 2, kBadValue},
    {"BoolHuge", kDefaultValues, 4, UINT32_MAX, kBadValue},
    {"DefaultStringOneTooFar", kDefaultValues + 4 * 2, 4, kStringCount, kBadValue},
    {"DefaultStringHuge", kDefaultValues + 4 * 2, 4, UINT32_MAX, kBadValue},
    {"UserStringOneTooFar", kUserValues + 4 * 3, 4, kStringCount, kBadValue},
    {"UserStringHuge", kUserValues + 4 * 3, 4, UINT32_MAX, kBadValue},
    {"FlagUnknown6", kFlags, 1, 0x05 | 0x40, "an unknown flag"},
    {"FlagUnknown7", kFlags + 4, 1, 0x07 | 0x80, "an unknown flag"},
    {"FlagsWithoutAValue", kFlags, 1, 0x01, "a pref without a value"},
    {"FlagsWithoutAnything", kFlags, 1, 0x00, "a pref without a value"},
    {"FlagsWithoutAType", kFlags + 1, 1, 0x04, "an unknown type"},
    {"UserIntThatBecomesABool", kFlags + 1, 1, 0x09, kBadValue},
};

INSTANTIATE_TEST_SUITE_P(Bytes, PrefsMapCorruption, ValuesIn(kCorruptions),
                         [](const TestParamInfo<CorruptionRow>& info) { return info.param.name; });

TEST(PrefsMap, AHeaderWithAnyByteChangedIsRejectedUpToTheGeneration) {
  constexpr size_t kGeneration = 32;
  const std::vector<uint8_t> good = SmallMap();
  for (size_t at = 0; at < kGeneration; ++at) {
    for (int change = 1; change < 256; ++change) {
      std::vector<uint8_t> bytes(good);
      bytes[at] ^= static_cast<uint8_t>(change);
      PrefsMap map;
      ASSERT_NE(Open(bytes, map), "") << "byte " << at << " changed by " << change;
    }
  }
}

TEST(PrefsMap, AByteOfAnyOtherValueIsRejectedOrLeavesAMapThatCanBeReadEntirely) {
  const std::vector<uint8_t> good = SmallMap();
  size_t rejected = 0;
  size_t read = 0;
  volatile uint64_t sum = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      std::vector<uint8_t> bytes(good);
      bytes[at] ^= static_cast<uint8_t>(change);
      PrefsMap map;
      if (Open(bytes, map).empty()) {
        ++read;
        sum = sum + ReadEverything(map, bytes);
      } else {
        ++rejected;
        ASSERT_EQ(map.size(), 0u);
      }
    }
  }
  EXPECT_GT(rejected, 0u);
  EXPECT_GT(read, 0u);
}

TEST(PrefsMap, AnyWordOfATellingValueIsRejectedOrLeavesAMapThatCanBeReadEntirely) {
  const std::vector<uint8_t> good = SmallMap();
  constexpr uint32_t kTelling[] = {0,          1,          2,           3,          4,
                                   5,          17,         40,          0x7FFFFFFF, 0x80000000,
                                   0xFFFFFFF0, 0xFFFFFFFF, 0x40000004u, 0x13B13B14};
  size_t rejected = 0;
  volatile uint64_t sum = 0;
  for (size_t at = 0; at + 4 <= good.size(); at += 4) {
    for (size_t other = 0; other + 4 <= good.size(); other += 4) {
      for (const uint32_t value : kTelling) {
        std::vector<uint8_t> bytes(good);
        memcpy(bytes.data() + at, &value, sizeof(value));
        memcpy(bytes.data() + other, &value, sizeof(value));
        PrefsMap map;
        if (Open(bytes, map).empty()) {
          sum = sum + ReadEverything(map, bytes);
        } else {
          ++rejected;
        }
      }
    }
  }
  EXPECT_GT(rejected, 0u);
}

TEST(PrefsMap, RandomChangesAreRejectedOrLeaveAMapThatCanBeReadEntirely) {
  const std::vector<uint8_t> good = SmallMap();
  std::mt19937_64 random(20240229);
  size_t rejected = 0;
  volatile uint64_t sum = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::vector<uint8_t> bytes(good);
    // Behind magic, version and total size, which are too easily told.
    for (size_t changes = 1 + random() % 4; changes > 0; --changes) {
      bytes[12 + random() % (bytes.size() - 12)] = static_cast<uint8_t>(random() % 8);
    }
    PrefsMap map;
    if (Open(bytes, map).empty()) {
      sum = sum + ReadEverything(map, bytes);
    } else {
      ++rejected;
    }
  }
  EXPECT_GT(rejected, 0u);
  EXPECT_LT(rejected, 50'000u);
}

// Attaching.

TEST(PrefsMap, AttachReadsASealedMemfd) {
  const UniqueFd fd = Seal(SmallMap());
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(fd.get(), map), 0);
  EXPECT_EQ(map.generation(), 7u);
  ASSERT_EQ(map.size(), kCount);
  const std::vector<PrefEntry> entries = SmallEntries();
  for (size_t i = 0; i < kCount; ++i) EXPECT_TRUE(Same(map.at(i), entries[i])) << i;
}

TEST(PrefsMap, AttachLeavesTheDescriptorToTheCaller) {
  const UniqueFd fd = Seal(SmallMap());
  const ptrdiff_t before = CountDescriptors();
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(fd.get(), map), 0);
  EXPECT_EQ(CountDescriptors(), before);
}

TEST(PrefsMap, OutlivesTheDescriptor) {
  UniqueFd fd = Seal(SmallMap());
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(fd.get(), map), 0);
  fd.reset();
  EXPECT_EQ(map.GetString("b.string", ""), "user's");
}

TEST(PrefsMap, LooksUpInTheMemfdItself) {
  const UniqueFd fd = Seal(SmallMap());
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(fd.get(), map), 0);
  const std::vector<std::string> mappings = Mappings();
  ASSERT_EQ(mappings.size(), 1u);
  uintptr_t start = 0;
  uintptr_t end = 0;
  ASSERT_EQ(sscanf(mappings[0].c_str(), "%lx-%lx r--p", &start, &end), 2) << mappings[0];
  const uintptr_t text = reinterpret_cast<uintptr_t>(map.GetString("b.string", "").data());
  EXPECT_GE(text, start);
  EXPECT_LT(text, end);
}

TEST(PrefsMap, IsMappedReadOnly) {
  const UniqueFd fd = Seal(SmallMap());
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(fd.get(), map), 0);
  EXPECT_THAT(Mappings(), ElementsAre(testing::HasSubstr(" r--p ")));
}

TEST(PrefsMap, UnmapsAtTheEndOfItsScope) {
  const UniqueFd fd = Seal(SmallMap());
  {
    PrefsMap map;
    ASSERT_EQ(PrefsMap::Attach(fd.get(), map), 0);
    ASSERT_EQ(Mappings().size(), 1u);
  }
  EXPECT_THAT(Mappings(), IsEmpty());
}

TEST(PrefsMap, AttachedAgainItHasTheNewGenerationAndOneMapping) {
  const UniqueFd old_fd = Seal(SmallMap());
  const std::vector<PrefEntry> new_entries = {IntPref("a.locked", 9)};
  const UniqueFd new_fd = Seal(EncodePrefsMap(new_entries, 8));
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(old_fd.get(), map), 0);
  ASSERT_EQ(PrefsMap::Attach(new_fd.get(), map), 0);
  EXPECT_EQ(map.generation(), 8u);
  EXPECT_EQ(map.GetInt("a.locked", 0), 9);
  EXPECT_FALSE(map.Find("a.bool"));
  EXPECT_EQ(Mappings().size(), 1u);
}

TEST(PrefsMap, TheMappingMovesWithTheMap) {
  const UniqueFd fd = Seal(SmallMap());
  PrefsMap target;
  {
    PrefsMap source;
    ASSERT_EQ(PrefsMap::Attach(fd.get(), source), 0);
    target = std::move(source);
  }
  EXPECT_EQ(Mappings().size(), 1u);
  EXPECT_EQ(target.GetString("b.string", ""), "user's");
}

TEST(PrefsMap, AttachRefusesAMemfdWithoutSeals) {
  const std::vector<uint8_t> bytes = SmallMap();
  const UniqueFd fd(memfd_create("prefs-under-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(fd.get(), map), EPERM);
  EXPECT_EQ(map.size(), 0u);
}

TEST(PrefsMap, AttachRefusesAMemfdThatLacksOneOfTheSeals) {
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
  const std::vector<uint8_t> bytes = SmallMap();
  for (const int missing : {F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK}) {
    const UniqueFd fd(memfd_create("prefs-under-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ASSERT_EQ(fcntl(fd.get(), F_ADD_SEALS, kSeals & ~missing), 0);
    PrefsMap map;
    EXPECT_EQ(PrefsMap::Attach(fd.get(), map), EPERM) << missing;
  }
}

TEST(PrefsMap, AttachRefusesASealedMemfdThatIsCorrupt) {
  std::vector<uint8_t> bytes = SmallMap();
  bytes[kFlags] = 0;
  const UniqueFd fd = Seal(bytes);
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(fd.get(), map), EBADMSG);
  EXPECT_EQ(map.size(), 0u);
}

TEST(PrefsMap, AttachRefusesEveryTruncatedSealedMemfd) {
  const std::vector<uint8_t> bytes = SmallMap();
  for (size_t size = 1; size < bytes.size(); ++size) {
    const UniqueFd fd = Seal(std::span(bytes).first(size));
    PrefsMap map;
    ASSERT_EQ(PrefsMap::Attach(fd.get(), map), EBADMSG) << size;
  }
}

TEST(PrefsMap, AttachRefusesAnEmptySealedMemfd) {
  const UniqueFd fd = Seal({});
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(fd.get(), map), ENODATA);
}

TEST(PrefsMap, AttachRefusesASealedMemfdOverTheLimit) {
  const UniqueFd fd(memfd_create("prefs-under-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(fd.get(), PrefsMap::kMaxBytes + 1), 0);
  ASSERT_EQ(fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), 0);
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(fd.get(), map), EFBIG);
}

TEST(PrefsMap, AttachRefusesWhatIsNoMemfd) {
  const UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(fd.get(), map), EINVAL);
}

TEST(PrefsMap, AttachRefusesWhatIsNoDescriptor) {
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(-1, map), EBADF);
}

TEST(PrefsMap, ARefusedMemfdLeavesNoMapping) {
  std::vector<uint8_t> bytes = SmallMap();
  bytes[0] ^= 1;
  const UniqueFd fd = Seal(bytes);
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(fd.get(), map), EBADMSG);
  EXPECT_THAT(Mappings(), IsEmpty());
}

// Allocation and threads.

TEST(PrefsMap, TheCountOfAllocationsSeesOne) {
  const size_t before = allocations_of_this_thread;
  const std::string text(100, 'x');
  EXPECT_EQ(allocations_of_this_thread, before + 1) << text;
}

TEST(PrefsMap, LookingUpDoesNotAllocate) {
  const ManyPrefs prefs;
  const std::vector<uint8_t> bytes = EncodePrefsMap(prefs.entries(), 1);
  const PrefsMap map = MapOver(bytes);
  volatile uint64_t sum = 0;
  const size_t before = allocations_of_this_thread;
  for (const PrefEntry& entry : prefs.entries()) {
    sum = sum + SumOf(map.Find(entry.name)->effective());
    sum = sum + map.GetBool(entry.name, false) + map.GetString(entry.name, "fallback").size();
    sum = sum + static_cast<uint32_t>(map.GetInt(entry.name, 1));
    sum = sum + map.Find("missing").has_value();
  }
  EXPECT_EQ(allocations_of_this_thread, before);
}

TEST(PrefsMap, WalkingDoesNotAllocate) {
  const ManyPrefs prefs;
  const std::vector<uint8_t> bytes = EncodePrefsMap(prefs.entries(), 1);
  const PrefsMap map = MapOver(bytes);
  volatile uint64_t sum = 0;
  const size_t before = allocations_of_this_thread;
  for (size_t i = 0; i < map.size(); ++i) sum = sum + SumOf(map.at(i).effective());
  EXPECT_EQ(allocations_of_this_thread, before);
}

TEST(PrefsMap, AttachingDoesNotAllocate) {
  const UniqueFd fd = Seal(SmallMap());
  const size_t before = allocations_of_this_thread;
  PrefsMap map;
  const int error = PrefsMap::Attach(fd.get(), map);
  EXPECT_EQ(allocations_of_this_thread, before);
  EXPECT_EQ(error, 0);
}

TEST(PrefsMap, RefusingDoesNotAllocate) {
  std::vector<uint8_t> bytes = SmallMap();
  bytes[kFlags] = 0;
  const UniqueFd fd = Seal(bytes);
  const size_t before = allocations_of_this_thread;
  PrefsMap map;
  const int error = PrefsMap::Attach(fd.get(), map);
  EXPECT_EQ(allocations_of_this_thread, before);
  EXPECT_EQ(error, EBADMSG);
}

TEST(PrefsMap, ManyThreadsReadAtOnce) {
  constexpr int kThreads = 8;
  const ManyPrefs prefs;
  const UniqueFd fd = Seal(EncodePrefsMap(prefs.entries(), 1));
  PrefsMap map;
  ASSERT_EQ(PrefsMap::Attach(fd.get(), map), 0);
  std::latch all_are_there(kThreads);
  std::atomic<size_t> found = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      all_are_there.arrive_and_wait();
      size_t found_here = 0;
      for (const PrefEntry& entry : prefs.entries()) {
        const std::optional<PrefEntry> read = map.Find(entry.name);
        found_here += read && Same(*read, entry) ? 1 : 0;
      }
      found += found_here;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, kThreads * ManyPrefs::kCount);
}

TEST(PrefsMap, ManyThreadsAttachToOneDescriptorAtOnce) {
  constexpr int kThreads = 8;
  const UniqueFd fd = Seal(SmallMap());
  std::latch all_are_there(kThreads);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      all_are_there.arrive_and_wait();
      PrefsMap map;
      if (PrefsMap::Attach(fd.get(), map) == 0 && map.GetString("b.string", "") == "user's") {
        ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads);
}

}  // namespace
}  // namespace forkserver
