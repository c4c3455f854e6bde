#include "forkserver/model/site.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/url.h"

namespace forkserver {
namespace {

class Site : public ::testing::Test {
 protected:
  std::string Of(const std::string& url) {
    return SiteOf(*Url::Parse(url), list_).value_or("none");
  }

  const PublicSuffixList list_ = *PublicSuffixList::Load();
};

TEST_F(Site, ARegistrableDomainIsALabelMoreThanItsSuffix) {
  EXPECT_EQ(list_.RegistrableDomain("www.bbc.co.uk"), "bbc.co.uk");
  EXPECT_EQ(list_.RegistrableDomain("example.com"), "example.com");
  EXPECT_EQ(list_.RegistrableDomain("a.b.example.com"), "example.com");
  EXPECT_EQ(list_.RegistrableDomain("me.github.io"), "me.github.io");
  EXPECT_EQ(list_.RegistrableDomain("www.me.github.io"), "me.github.io");
  // A rule with a star, and its exception.
  EXPECT_EQ(list_.RegistrableDomain("a.b.c.ck"), "b.c.ck");
  EXPECT_EQ(list_.RegistrableDomain("a.www.ck"), "www.ck");
  EXPECT_EQ(list_.RegistrableDomain("a.xn--85x722f.xn--55qx5d.cn"), "xn--85x722f.xn--55qx5d.cn");
  // A top level that the list does not have counts as one: NAME.test is a site.
  EXPECT_EQ(list_.RegistrableDomain("www.name.test"), "name.test");
}

TEST_F(Site, WhatHasNoRegistrableDomainIsItsOwn) {
  for (const char* host : {"localhost", "co.uk", "github.io", "com", "127.0.0.1", "[::1]", "c.ck",
                           "255.255.255.255", "intranet", "co.uk."}) {
    EXPECT_EQ(list_.RegistrableDomain(host), host);
  }
}

TEST_F(Site, ADotAtTheEndMakesAnotherDomain) {
  EXPECT_EQ(list_.RegistrableDomain("www.example.com."), "example.com.");
  EXPECT_NE(Of("https://example.com./"), Of("https://example.com/"));
}

TEST_F(Site, IsSchemeAndRegistrableDomainWithoutPort) {
  EXPECT_EQ(Of("https://www.example.com:8443/a?b"), "https://example.com");
  EXPECT_EQ(Of("http://www.example.com/"), "http://example.com");
  EXPECT_EQ(Of("https://0x7f.1:8080/"), "https://127.0.0.1");
  EXPECT_EQ(Of("http://[0::1]:80/"), "http://[::1]");
  EXPECT_EQ(Of("http://localhost:3000/"), "http://localhost");
}

TEST_F(Site, OnlyHttpAndHttpsHaveOne) {
  for (const char* url :
       {"file:///a", "about:blank", "data:,x", "ws://a.com/", "moz-extension://a/",
        "blob:https://a.com/x", "view-source:https://a.com/", "mailto:a@a.com"}) {
    EXPECT_EQ(Of(url), "none") << url;
  }
}

TEST_F(Site, HasOneText) {
  EXPECT_TRUE(IsCanonicalSite("https://example.com"));
  EXPECT_TRUE(IsCanonicalSite("http://[::1]"));
  for (const char* text :
       {"", "https://", "https://Example.com", "https://example.com/", "https://example.com:443",
        "https://example.com:8443", "https://me@example.com", "https://example.com#a",
        "https://0x7f.1", "ws://example.com", "file://", "example.com", "https://example.com?",
        "HTTPS://example.com", "https://[0::1]"}) {
    EXPECT_FALSE(IsCanonicalSite(text)) << text;
  }
}

// libpsl has a list of its own to fall back on, as Debian's build has.
TEST_F(Site, AListThatIsNotThereIsReplacedByTheOneOfTheLibrary) {
  absl::StatusOr<PublicSuffixList> list = PublicSuffixList::Load("/nowhere.dafsa");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->RegistrableDomain("www.bbc.co.uk"), "bbc.co.uk");
}

}  // namespace
}  // namespace forkserver
