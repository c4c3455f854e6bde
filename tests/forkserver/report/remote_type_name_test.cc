#include "forkserver/report/remote_type_name.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace forkserver {
namespace {

TEST(UserFacingName, IsWhatABrowserWouldShow) {
  const struct {
    std::string_view remote_type;
    std::string_view name;
  } rows[] = {
      {"webIsolated=https://example.com", "https://example.com (12345)"},
      {"webIsolated=http://127.0.0.1", "http://127.0.0.1 (12345)"},
      {"webIsolated=https://example.com^userContextId=2",
       "https://example.com (12345, container 2)"},
      {"webIsolated=https://example.com^privateBrowsingId=1",
       "https://example.com (12345, private browsing)"},
      {"webIsolated=https://example.com^userContextId=7&privateBrowsingId=1",
       "https://example.com (12345, private browsing, container 7)"},
      {"webCOOP+COEP=https://example.com", "https://example.com (12345, cross-origin isolated)"},
      {"webCOOP+COEP=https://example.com^userContextId=2&privateBrowsingId=1",
       "https://example.com (12345, cross-origin isolated, private browsing, container 2)"},
      {"web", "Web Content (12345)"},
      {"web^userContextId=3", "Web Content (12345, container 3)"},
      {"file", "Local File (12345)"},
      {"file^privateBrowsingId=1", "Local File (12345, private browsing)"},
      {"extension", "Extension (12345)"},
      {"privilegedabout", "Privileged About (12345)"},
      {"privilegedmozilla", "Privileged Mozilla Content (12345)"},
      {"prealloc", "Preallocated (12345)"},
      {"null", "Host (12345)"},
      // What is none.
      {"webIsolated=", "webIsolated= (12345)"},
      {"webLargeAlloc", "webLargeAlloc (12345)"},
      {"web^userContextId=0", "web^userContextId=0 (12345)"},
      {"", " (12345)"},
      {"web\x1b[2J\nHost", "web\\x1b[2J\\x0aHost (12345)"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(UserFacingName(row.remote_type, 12345), row.name) << row.remote_type;
  }
}

// What somebody adds to the table of kinds has a name here.
TEST(UserFacingName, EveryKindHasOne) {
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    RemoteType type = {.kind = row.kind};
    EXPECT_EQ(UserFacingName(type, 7).find(" (7"), row.user_facing_name.size()) << row.name;
  }
}

}  // namespace
}  // namespace forkserver
