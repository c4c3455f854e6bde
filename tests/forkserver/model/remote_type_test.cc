#include "forkserver/model/remote_type.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/model/origin_attributes.h"

namespace forkserver {
namespace {

TEST(OriginAttributes, AreWrittenAsGeckoWritesThem) {
  EXPECT_EQ(OriginAttributes{}.ToSuffix(), "");
  EXPECT_EQ((OriginAttributes{.user_context_id = 2}.ToSuffix()), "^userContextId=2");
  EXPECT_EQ((OriginAttributes{.private_browsing_id = 1}.ToSuffix()), "^privateBrowsingId=1");
  EXPECT_EQ((OriginAttributes{.user_context_id = 2, .private_browsing_id = 1}.ToSuffix()),
            "^userContextId=2&privateBrowsingId=1");
}

TEST(OriginAttributes, AreReadExactlyAsTheyAreWritten) {
  for (const uint32_t container : {0u, 1u, 4294967295u}) {
    for (const uint32_t private_id : {0u, 1u, 7u}) {
      const OriginAttributes attributes = {.user_context_id = container,
                                           .private_browsing_id = private_id};
      absl::StatusOr<OriginAttributes> read = OriginAttributes::FromSuffix(attributes.ToSuffix());
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(*read, attributes);
    }
  }
  for (const char* text :
       {"^", "userContextId=2", "^userContextId=0", "^userContextId=02", "^userContextId=+2",
        "^userContextId=-1", "^userContextId=4294967296", "^userContextId=", "^userContextId",
        "^userContextId=2&", "^&userContextId=2", "^userContextId=2&userContextId=2",
        "^privateBrowsingId=1&userContextId=2", "^userContextId=2^privateBrowsingId=1",
        "^firstPartyDomain=a.com", "^userContextId=2 ", "x"}) {
    absl::StatusOr<OriginAttributes> read = OriginAttributes::FromSuffix(text);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(RemoteType, IsWrittenWithItsSiteAndAttributes) {
  EXPECT_EQ(RemoteType().ToString(), "prealloc");
  EXPECT_EQ(ParentRemoteType().ToString(), "null");
  EXPECT_EQ((RemoteType{.kind = RemoteTypeKind::kWebIsolated,
                        .site = "https://example.com",
                        .attributes = {.user_context_id = 1}}
                 .ToString()),
            "webIsolated=https://example.com^userContextId=1");
  EXPECT_EQ((RemoteType{.kind = RemoteTypeKind::kWebCoopCoep, .site = "https://a.com"}.ToString()),
            "webCOOP+COEP=https://a.com");
}

std::vector<RemoteType> AllTypes() {
  std::vector<RemoteType> types;
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    if (row.platform != OnPlatform::kHere) continue;
    for (const uint32_t container : {0u, 3u}) {
      if (row.limit_pref.empty() && container != 0) continue;
      for (const char* site : {"https://example.com", "http://[::1]", "http://localhost",
                               "https://xn--bcher-kva.example"}) {
        types.push_back({.kind = row.kind,
                         .site = row.per_site == PerSite::kYes ? site : "",
                         .attributes = {.user_context_id = container}});
      }
    }
  }
  return types;
}

TEST(RemoteType, IsReadExactlyAsItIsWritten) {
  for (const RemoteType& type : AllTypes()) {
    absl::StatusOr<RemoteType> read = RemoteType::Parse(type.ToString());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, type);
  }
}

TEST(RemoteType, GarbageIsRefused) {
  for (const char* text : {"",
                           "Web",
                           "web ",
                           " web",
                           "web=",
                           "web=https://a.com",
                           "webIsolated",
                           "webIsolated=",
                           "webIsolated=a.com",
                           "webIsolated=https://A.com",
                           "webIsolated=https://a.com/",
                           "webIsolated=https://a.com:8443",
                           "webIsolated=https://a.com^",
                           "webIsolated=file:///a",
                           "webIsolated=https://a.com^userContextId=0",
                           "webIsolated^userContextId=1",
                           "webisolated=https://a.com",
                           "webCOOP+COEP",
                           "webCOOP COEP=https://a.com",
                           "file=",
                           "null=",
                           "null^userContextId=1",
                           "prealloc^userContextId=1",
                           "parent",
                           "webLargeAlloc",
                           "extension=https://a.com",
                           "web^userContextId=1^userContextId=1",
                           "=https://a.com",
                           "^userContextId=1",
                           "web^privateBrowsingId=1&userContextId=2"}) {
    absl::StatusOr<RemoteType> read = RemoteType::Parse(text);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(RemoteType, ATextThatIsReadIsTheTextOfItsType) {
  std::mt19937 random(11);
  int accepted = 0;
  const std::vector<RemoteType> types = AllTypes();
  for (int i = 0; i < 50000; ++i) {
    std::string text = types[random() % types.size()].ToString();
    const size_t changes = random() % 3;
    for (size_t k = 0; k < changes; ++k) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text.erase(at, 1);
          break;
        case 1:
          text.insert(at, 1, static_cast<char>(random()));
          break;
        default:
          text[at] = static_cast<char>(random());
      }
      if (text.empty()) text = "^";
    }
    absl::StatusOr<RemoteType> read = RemoteType::Parse(text);
    if (!read.ok()) continue;
    ++accepted;
    EXPECT_EQ(read->ToString(), text);
  }
  EXPECT_GT(accepted, 10000);
}

TEST(RemoteType, LimitsAreThoseOfGecko) {
  EXPECT_EQ(RowOf(RemoteTypeKind::kWeb).limit_pref, "dom.ipc.processCount");
  EXPECT_EQ(RowOf(RemoteTypeKind::kWeb).default_limit, 8);
  EXPECT_EQ(RowOf(RemoteTypeKind::kWebLargeAlloc).default_limit, 10);
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    if (row.limit_pref.empty() || row.kind == RemoteTypeKind::kWeb) continue;
    EXPECT_EQ(row.limit_pref, "dom.ipc.processCount." + std::string(row.name));
    if (row.platform == OnPlatform::kHere) {
      EXPECT_EQ(row.default_limit, 1) << row.name;
    }
  }
}

TEST(RemoteType, NamesAreDifferent) {
  std::set<std::string_view> names;
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
}

TEST(RemoteType, FileAndExtensionNeverComeOfABlank) {
  EXPECT_EQ(RowOf(RemoteTypeKind::kFile).from_blank, FromBlank::kNever);
  EXPECT_EQ(RowOf(RemoteTypeKind::kExtension).from_blank, FromBlank::kNever);
  EXPECT_EQ(RowOf(RemoteTypeKind::kParent).from_blank, FromBlank::kNever);
  EXPECT_EQ(RowOf(RemoteTypeKind::kWebIsolated).from_blank, FromBlank::kMay);
}

TEST(RemoteType, OfContentOnlyFileReadsFiles) {
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    const bool reads = row.kind == RemoteTypeKind::kFile || row.kind == RemoteTypeKind::kParent;
    EXPECT_EQ(row.reads_files == ReadsFiles::kYes, reads) << row.name;
    EXPECT_EQ(row.sandbox == SandboxPolicyId::kFileContent, row.kind == RemoteTypeKind::kFile);
  }
}

}  // namespace
}  // namespace forkserver
