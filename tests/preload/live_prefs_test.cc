#include "preload/prefs/live_prefs.h"

#include <dirent.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preload/prefs/pref.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The name under which a generation's mapping is looked for in /proc/self/maps.
constexpr std::string_view kMapName = "live-prefs-test";

PrefEntry Entry(std::string_view name, PrefValueView value) {
  PrefEntry entry;
  entry.name = name;
  entry.type = TypeOf(value);
  entry.default_value = value;
  return entry;
}

// A generation of four prefs that all say its number, "odd" of them only whether it is.
std::vector<uint8_t> BytesOf(uint64_t generation) {
  const auto number = static_cast<int32_t>(generation);
  const std::string text = "generation " + std::to_string(generation);
  std::vector<PrefEntry> entries(4);  // sorted by name
  entries[0] = Entry("first", number);
  entries[1] = Entry("odd", number % 2 == 1);
  entries[2] = Entry("second", number);
  entries[3] = Entry("text", std::string_view(text));
  return EncodePrefsMap(entries, generation);
}

UniqueFd Sealed(const std::vector<uint8_t>& bytes) {
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd(kMapName, bytes);
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : UniqueFd();
}

UniqueFd Generation(uint64_t number) { return Sealed(BytesOf(number)); }

PrefsMap MapOf(uint64_t generation) {
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Attach(Generation(generation).get(), map), 0);
  return map;
}

size_t MappedGenerations() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(kMapName) != line.npos) ++count;
  }
  return count;
}

ptrdiff_t CountDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_files(opendir("/proc/self/fd"), closedir);
  ptrdiff_t count = 0;
  while (readdir(open_files.get()) != nullptr) ++count;
  return count;
}

TEST(LivePrefs, AreThoseOfTheLaunchAtFirst) {
  const LivePrefs prefs(MapOf(7));
  EXPECT_EQ(prefs.generation(), 7u);
  EXPECT_EQ(prefs.GetInt("first", 0), 7);
  EXPECT_TRUE(prefs.GetBool("odd", false));
  EXPECT_EQ(prefs.GetString("text", ""), "generation 7");
}

TEST(LivePrefs, ALaunchWithoutPrefsHasTheFallbacks) {
  const LivePrefs none;
  const LivePrefs null(nullptr);
  for (const LivePrefs* prefs : {&none, &null}) {
    EXPECT_EQ(prefs->generation(), 0u);
    EXPECT_EQ(prefs->GetInt("first", 4), 4);
    EXPECT_TRUE(prefs->GetBool("odd", true));
    EXPECT_EQ(prefs->GetString("text", "none"), "none");
    EXPECT_EQ(prefs->Snapshot()->size(), 0u);
  }
}

TEST(LivePrefs, CanBeTheLaunchsOwnMap) {
  const PrefsMap launch = MapOf(3);
  LivePrefs prefs(&launch);
  EXPECT_EQ(prefs.Snapshot().get(), &launch);
  ASSERT_TRUE(prefs.Swap(Generation(4).get()).ok());
  EXPECT_EQ(prefs.GetInt("first", 0), 4);
  EXPECT_EQ(launch.GetInt("first", 0), 3);
}

TEST(LivePrefs, ASwapIsSeenByTheNextLookUp) {
  LivePrefs prefs(MapOf(1));
  ASSERT_TRUE(prefs.Swap(Generation(2).get()).ok());
  EXPECT_EQ(prefs.generation(), 2u);
  EXPECT_EQ(prefs.GetInt("first", 0), 2);
  EXPECT_FALSE(prefs.GetBool("odd", true));
  EXPECT_EQ(prefs.GetString("text", ""), "generation 2");
}

TEST(LivePrefs, ThatHadNoneCanSwapToSome) {
  LivePrefs prefs;
  ASSERT_TRUE(prefs.Swap(Generation(1).get()).ok());
  EXPECT_EQ(prefs.GetInt("first", 0), 1);
}

TEST(LivePrefs, ASnapshotStaysWhatItIs) {
  LivePrefs prefs(MapOf(1));
  const std::shared_ptr<const PrefsMap> snapshot = prefs.Snapshot();
  const std::string_view text = snapshot->GetString("text", "");
  ASSERT_TRUE(prefs.Swap(Generation(2).get()).ok());
  ASSERT_TRUE(prefs.Swap(Generation(3).get()).ok());
  EXPECT_EQ(snapshot->generation(), 1u);
  EXPECT_EQ(text, "generation 1");
}

TEST(LivePrefs, AnOldGenerationIsUnmappedWhenItsLastSnapshotGoes) {
  const size_t before = MappedGenerations();
  LivePrefs prefs(MapOf(1));
  std::shared_ptr<const PrefsMap> one = prefs.Snapshot();
  std::shared_ptr<const PrefsMap> other = one;
  ASSERT_TRUE(prefs.Swap(Generation(2).get()).ok());
  EXPECT_EQ(MappedGenerations(), before + 2);
  one.reset();
  EXPECT_EQ(MappedGenerations(), before + 2);
  other.reset();
  EXPECT_EQ(MappedGenerations(), before + 1);
}

TEST(LivePrefs, ThatNobodyHasASnapshotOfAreUnmappedByTheSwap) {
  const size_t before = MappedGenerations();
  LivePrefs prefs(MapOf(1));
  for (uint64_t number = 2; number < 20; ++number) {
    ASSERT_TRUE(prefs.Swap(Generation(number).get()).ok());
  }
  EXPECT_EQ(MappedGenerations(), before + 1);
}

TEST(LivePrefs, ASnapshotOutlivesThePrefs) {
  std::shared_ptr<const PrefsMap> snapshot;
  {
    LivePrefs prefs(MapOf(1));
    ASSERT_TRUE(prefs.Swap(Generation(2).get()).ok());
    snapshot = prefs.Snapshot();
  }
  EXPECT_EQ(snapshot->GetString("text", ""), "generation 2");
}

TEST(LivePrefs, AnOlderOrEqualGenerationIsRefused) {
  const size_t before = MappedGenerations();
  LivePrefs prefs(MapOf(5));
  EXPECT_EQ(prefs.Swap(Generation(5).get()),
            absl::FailedPreconditionError("attach generation of prefs: 5 is not newer than 5"));
  EXPECT_EQ(prefs.Swap(Generation(4).get()),
            absl::FailedPreconditionError("attach generation of prefs: 4 is not newer than 5"));
  EXPECT_EQ(prefs.GetInt("first", 0), 5);
  EXPECT_EQ(MappedGenerations(), before + 1);
}

TEST(LivePrefs, ACorruptMapIsRefusedAndTheOldOneStays) {
  LivePrefs prefs(MapOf(1));
  std::vector<uint8_t> bytes = BytesOf(2);
  for (const size_t size : {bytes.size() - 1, size_t{40}, size_t{1}}) {
    const UniqueFd fd = Sealed({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)});
    EXPECT_EQ(prefs.Swap(fd.get()).message(), "attach generation of prefs: EBADMSG") << size;
  }
  bytes[0] ^= 1;
  EXPECT_EQ(prefs.Swap(Sealed(bytes).get()).message(), "attach generation of prefs: EBADMSG");
  EXPECT_EQ(prefs.generation(), 1u);
  EXPECT_EQ(prefs.GetString("text", ""), "generation 1");
}

// Whoever has it could change it behind the check.
TEST(LivePrefs, AMapThatIsNotSealedIsRefused) {
  LivePrefs prefs(MapOf(1));
  const std::vector<uint8_t> bytes = BytesOf(2);
  const UniqueFd fd(memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(prefs.Swap(fd.get()).message(), "attach generation of prefs: EPERM");
  EXPECT_EQ(prefs.Swap(-1).message(), "attach generation of prefs: EBADF");
  EXPECT_EQ(prefs.generation(), 1u);
}

TEST(LivePrefs, KeepNoDescriptorOpenAndLeaveTheCallersAlone) {
  const UniqueFd good = Generation(2);
  const UniqueFd late = Generation(1);
  LivePrefs prefs;
  const ptrdiff_t before = CountDescriptors();
  ASSERT_TRUE(prefs.Swap(good.get()).ok());
  ASSERT_FALSE(prefs.Swap(late.get()).ok());
  EXPECT_EQ(CountDescriptors(), before);
}

TEST(LivePrefs, EachObserverSeesEachSwapOnce) {
  LivePrefs prefs(MapOf(1));
  std::vector<std::string> seen;
  for (const char* name : {"a", "b"}) {
    prefs.AddObserver([&prefs, &seen, name](const PrefsMap& before, const PrefsMap& now) {
      EXPECT_EQ(prefs.generation(), now.generation()) << "the swap comes before its observers";
      seen.push_back(absl::StrCat(name, " ", before.generation(), " to ", now.generation()));
    });
  }
  ASSERT_TRUE(prefs.Swap(Generation(2).get()).ok());
  EXPECT_THAT(seen, ElementsAre("a 1 to 2", "b 1 to 2"));
}

TEST(LivePrefs, ARefusedSwapIsNotObserved) {
  LivePrefs prefs(MapOf(2));
  int calls = 0;
  prefs.AddObserver([&calls](const PrefsMap&, const PrefsMap&) { ++calls; });
  ASSERT_FALSE(prefs.Swap(Generation(1).get()).ok());
  ASSERT_FALSE(prefs.Swap(-1).ok());
  EXPECT_EQ(calls, 0);
}

TEST(LivePrefs, ARemovedObserverIsNotCalledAlsoWhenAnotherOneRemovesIt) {
  LivePrefs prefs;
  std::vector<std::string> seen;
  LivePrefs::ObserverId removed = 0;
  LivePrefs::ObserverId itself = 0;
  // What it captures must live until it returns.
  itself =
      prefs.AddObserver([&, mark = std::string("itself, whose text is longer than a small string")](
                            const PrefsMap&, const PrefsMap&) {
        prefs.RemoveObserver(itself);
        prefs.RemoveObserver(removed);
        seen.push_back(mark.substr(0, 6));
      });
  removed = prefs.AddObserver([&](const PrefsMap&, const PrefsMap&) { seen.push_back("removed"); });
  prefs.AddObserver([&](const PrefsMap&, const PrefsMap&) { seen.push_back("stays"); });
  ASSERT_TRUE(prefs.Swap(Generation(1).get()).ok());
  ASSERT_TRUE(prefs.Swap(Generation(2).get()).ok());
  EXPECT_THAT(seen, ElementsAre("itself", "stays", "stays"));
}

TEST(LivePrefs, AnObserverThatIsAddedByAnotherIsCalledFromTheNextSwapOn) {
  LivePrefs prefs;
  std::vector<uint64_t> seen;
  LivePrefs::ObserverId first = 0;
  first = prefs.AddObserver([&](const PrefsMap&, const PrefsMap&) {
    prefs.RemoveObserver(first);
    prefs.AddObserver(
        [&](const PrefsMap&, const PrefsMap& now) { seen.push_back(now.generation()); });
  });
  ASSERT_TRUE(prefs.Swap(Generation(1).get()).ok());
  EXPECT_THAT(seen, IsEmpty());
  ASSERT_TRUE(prefs.Swap(Generation(2).get()).ok());
  EXPECT_THAT(seen, ElementsAre(2u));
}

// Each generation says its number in three places: a mix would say two.
TEST(LivePrefs, ReadersOnOtherThreadsHaveOneGenerationOrTheOther) {
  constexpr uint64_t kLast = 400;
  constexpr int kReaders = 3;
  LivePrefs prefs(MapOf(1));
  std::latch reading(kReaders);
  std::atomic<bool> swapped = false;  // all that will be
  std::atomic<int> mixed = 0;
  std::atomic<int> went_back = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      uint64_t last = 0;
      while (last < kLast && !swapped) {
        const std::shared_ptr<const PrefsMap> snapshot = prefs.Snapshot();
        const uint64_t number = snapshot->generation();
        const auto value = static_cast<int32_t>(number);
        if (snapshot->GetInt("first", 0) != value || snapshot->GetInt("second", 0) != value ||
            snapshot->GetString("text", "") != "generation " + std::to_string(number)) {
          ++mixed;
        }
        if (number < last) ++went_back;
        // Of the moment, which may be later than the snapshot but never earlier.
        const std::string text = prefs.GetString("text", "generation 0");
        if (prefs.GetInt("first", 0) < value || std::stoul(text.substr(11)) < number) ++went_back;
        if (last == 0) reading.count_down();
        last = number;
      }
    });
  }
  reading.wait();
  for (uint64_t number = 2; number <= kLast; ++number) {
    EXPECT_TRUE(prefs.Swap(Generation(number).get()).ok()) << number;
  }
  swapped = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(mixed, 0);
  EXPECT_EQ(went_back, 0);
}

}  // namespace
}  // namespace forkserver
