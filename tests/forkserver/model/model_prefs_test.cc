#include "forkserver/model/model_prefs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "forkserver/model/prelaunch_count.h"
#include "forkserver/model/remote_type.h"
#include "preload/prefs/pref.h"
#include "preload/prefs/prefs_map.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ModelPrefs Read(std::vector<std::pair<std::string_view, PrefValueView>> prefs) {
  std::sort(prefs.begin(), prefs.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PrefEntry> entries;
  for (const auto& [name, value] : prefs) {
    entries.push_back({.name = name,
                       .type = TypeOf(value),
                       .sticky = false,
                       .locked = false,
                       .default_value = value,
                       .user_value = {}});
  }
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, 1);
  PrefsMap map;
  EXPECT_EQ(PrefsMap::Open(bytes, map), "");
  return ModelPrefs::Read(map);
}

void ExpectDefaults(const ModelPrefs& prefs) {
  EXPECT_EQ(prefs.isolation, SiteIsolation::kOn);
  EXPECT_EQ(prefs.launch_by, LaunchBy::kForkServer);
  EXPECT_EQ(prefs.prelaunch, 3);
  EXPECT_EQ(prefs.low_memory_bytes, uint64_t{4} << 30);
  EXPECT_THAT(prefs.separated_domains, ElementsAre("addons.mozilla.org", "accounts.firefox.com"));
  EXPECT_THAT(prefs.file_readers, IsEmpty());
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kWeb), 8);
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kWebLargeAlloc), 10);
  for (const RemoteTypeKind kind :
       {RemoteTypeKind::kFile, RemoteTypeKind::kExtension, RemoteTypeKind::kPrivilegedAbout,
        RemoteTypeKind::kPrivilegedMozilla, RemoteTypeKind::kWebIsolated,
        RemoteTypeKind::kWebCoopCoep}) {
    EXPECT_EQ(prefs.LimitOf(kind), 1) << RowOf(kind).name;
  }
}

TEST(ModelPrefs, WithoutPrefsAllAreTheDefaults) {
  ExpectDefaults(ModelPrefs());
  ExpectDefaults(Read({}));
  ExpectDefaults(ModelPrefs::Read(PrefsMap()));
}

TEST(ModelPrefs, EachPrefIsRead) {
  const ModelPrefs prefs = Read({
      {"dom.ipc.processCount", 4},
      {"dom.ipc.processCount.file", 2},
      {"dom.ipc.processCount.privilegedabout", 3},
      {"dom.ipc.processCount.privilegedmozilla", 5},
      {"dom.ipc.processCount.webIsolated", 6},
      {"dom.ipc.processCount.webCOOP+COEP", 7},
      {"dom.ipc.processCount.webLargeAlloc", 9},
      {"dom.ipc.processPrelaunch.fission.number", 5},
      {"dom.ipc.processPrelaunch.lowmem_mb", 1024},
      {"fission.autostart", false},
      {"dom.ipc.forkserver.enable", false},
  });
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kWeb), 4);
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kFile), 2);
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kPrivilegedAbout), 3);
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kPrivilegedMozilla), 5);
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kWebIsolated), 6);
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kWebCoopCoep), 7);
  EXPECT_EQ(prefs.LimitOf(RemoteTypeKind::kWebLargeAlloc), 9);
  EXPECT_EQ(prefs.prelaunch, 5);
  EXPECT_EQ(prefs.low_memory_bytes, uint64_t{1} << 30);
  EXPECT_EQ(prefs.isolation, SiteIsolation::kOff);
  EXPECT_EQ(prefs.launch_by, LaunchBy::kExec);
}

TEST(ModelPrefs, LimitsThatCannotBeMeantBecomeTheNearestThatCan) {
  EXPECT_EQ(Read({{"dom.ipc.processCount", 0}}).LimitOf(RemoteTypeKind::kWeb), 1);
  EXPECT_EQ(Read({{"dom.ipc.processCount", -5}}).LimitOf(RemoteTypeKind::kWeb), 1);
  EXPECT_EQ(Read({{"dom.ipc.processCount", 2000000000}}).LimitOf(RemoteTypeKind::kWeb), 1000);
  EXPECT_EQ(Read({{"dom.ipc.processPrelaunch.fission.number", -1}}).prelaunch, 0);
  EXPECT_EQ(Read({{"dom.ipc.processPrelaunch.fission.number", 99}}).prelaunch, 32);
  EXPECT_EQ(Read({{"dom.ipc.processPrelaunch.lowmem_mb", -1}}).low_memory_bytes, 0u);
}

TEST(ModelPrefs, ExtensionsHaveOneProcessUnlessThePrefSaysMore) {
  EXPECT_EQ(Read({}).LimitOf(RemoteTypeKind::kExtension), 1);
  EXPECT_EQ(Read({{"dom.ipc.processCount.extension", 4}}).LimitOf(RemoteTypeKind::kExtension), 4);
}

TEST(ModelPrefs, APrefOfAnotherTypeCountsAsAbsent) {
  ExpectDefaults(Read({{"dom.ipc.processCount", std::string_view("4")},
                       {"fission.autostart", 0},
                       {"browser.tabs.remote.separatedMozillaDomains", true}}));
}

TEST(ModelPrefs, SeparatedDomainsAreCanonicalHostsAndTheRestIsLeftOut) {
  EXPECT_THAT(Read({{"browser.tabs.remote.separatedMozillaDomains",
                     std::string_view("Addons.Example, ,b c,https://x.com,good.example,")}})
                  .separated_domains,
              ElementsAre("addons.example", "b", "c", "good.example"));
  EXPECT_THAT(Read({{"browser.tabs.remote.separatedMozillaDomains", std::string_view("")}})
                  .separated_domains,
              IsEmpty());
}

TEST(ModelPrefs, SitesMayReadFilesByAPolicyThatSaysSo) {
  const ModelPrefs prefs =
      Read({{"capability.policy.policynames", std::string_view("links other,forgotten")},
            {"capability.policy.links.checkloaduri.enabled", std::string_view("allAccess")},
            {"capability.policy.links.sites",
             std::string_view("https://A.example intranet file:///x https://b.example:8443")},
            {"capability.policy.other.checkloaduri.enabled", std::string_view("noAccess")},
            {"capability.policy.other.sites", std::string_view("https://evil.example")},
            {"capability.policy.unnamed.checkloaduri.enabled", std::string_view("allAccess")},
            {"capability.policy.unnamed.sites", std::string_view("https://unnamed.example")}});
  EXPECT_THAT(prefs.file_readers, ElementsAre(FileReader{.scheme = "https", .host = "a.example"},
                                              FileReader{.scheme = "http", .host = "intranet"},
                                              FileReader{.scheme = "https", .host = "intranet"}));
}

constexpr uint64_t kGiB = uint64_t{1} << 30;

TEST(PrelaunchCount, IsThePrefOnAnOrdinaryMachine) {
  EXPECT_EQ(PrelaunchCount(ModelPrefs(), 16 * kGiB), 3);
  EXPECT_EQ(PrelaunchCount(Read({{"dom.ipc.processPrelaunch.fission.number", 0}}), 16 * kGiB), 0);
}

TEST(PrelaunchCount, IsOneWithLittleMemoryAndTheBoundIsIncluded) {
  EXPECT_EQ(PrelaunchCount(ModelPrefs(), 4 * kGiB), 1);
  EXPECT_EQ(PrelaunchCount(ModelPrefs(), 4 * kGiB + 1), 3);
  EXPECT_EQ(PrelaunchCount(ModelPrefs(), 0), 3) << "not known";
}

TEST(PrelaunchCount, IsOneWithoutIsolation) {
  EXPECT_EQ(PrelaunchCount(Read({{"fission.autostart", false}}), 64 * kGiB), 1);
}

TEST(PrelaunchCount, IsNeverMoreThanThePref) {
  const ModelPrefs none =
      Read({{"dom.ipc.processPrelaunch.fission.number", 0}, {"fission.autostart", false}});
  EXPECT_EQ(PrelaunchCount(none, kGiB), 0);
}

}  // namespace
}  // namespace forkserver
