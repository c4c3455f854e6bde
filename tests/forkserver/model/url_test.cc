#include "forkserver/model/url.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace forkserver {
namespace {

// What a URL is in canonical form, or the error without its beginning.
std::string Canonical(const std::string& text) {
  absl::StatusOr<Url> url = Url::Parse(text);
  if (url.ok()) return url->ToString();
  EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << text;
  EXPECT_EQ(url.status().message().find('\n'), absl::string_view::npos) << text;
  return "refused";
}

struct Case {
  const char* text;
  const char* canonical;
};

void ExpectAll(const std::vector<Case>& cases) {
  for (const Case& one : cases) EXPECT_EQ(Canonical(one.text), one.canonical) << one.text;
}

TEST(Url, HasASchemeAHostAPortAPathAQueryAndAFragment) {
  absl::StatusOr<Url> url = Url::Parse("HTTPS://user:pw@WWW.Example.COM:8443/A/b?C=d#e");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme(), "https");
  EXPECT_EQ(url->host(), "www.example.com");
  EXPECT_EQ(url->port(), 8443);
  EXPECT_EQ(url->path(), "/A/b");
  EXPECT_EQ(url->query(), "C=d");
  EXPECT_EQ(url->fragment(), "e");
  EXPECT_EQ(url->ToString(), "https://www.example.com:8443/A/b?C=d#e");
}

TEST(Url, FragmentIsWhatFollowsTheFirstHash) {
  ExpectAll({
      {"https://a.com/app#/route?x#y", "https://a.com/app#/route?x#y"},
      {"https://a.com#top", "https://a.com/#top"},
      {"https://a.com/#", "https://a.com/#"},
      {"https://a.com/#\\", "https://a.com/#\\"},
      {"data:text/html,x#y", "data:text/html,x#y"},
      {"about:newtab#x", "about:newtab#x"},
      {"file:///a?b#c", "file:///a?b#c"},
  });
  EXPECT_EQ(Url::Parse("https://a.com/#")->fragment(), "");
  EXPECT_FALSE(Url::Parse("https://a.com/?x")->fragment());
  EXPECT_EQ(Url::Parse("https://a.com/?x#y")->query(), "x");
}

TEST(Url, FragmentIsNoPartOfWhatAUrlIsAbout) {
  EXPECT_EQ(Url::Parse("blob:https://a.com/id#x")->ToString(), "blob:https://a.com/id#x");
  EXPECT_EQ(Url::Parse("blob:https://a.com/id#x")->Inner(), *Url::Parse("https://a.com/"));
  EXPECT_EQ(Url::Parse("view-source:https://a.com#x")->ToString(), "view-source:https://a.com/#x");
  EXPECT_EQ(Url::Parse("view-source:https://a.com#x")->Inner(), *Url::Parse("https://a.com/"));
}

TEST(Url, LeavesOutUserAndDefaultPort) {
  ExpectAll({
      {"https://a.com:443", "https://a.com/"},
      {"http://a.com:80/x", "http://a.com/x"},
      {"http://a.com:443/x", "http://a.com:443/x"},
      {"ws://a.com:80/", "ws://a.com/"},
      {"wss://a.com:443/", "wss://a.com/"},
      {"https://a.com:/", "https://a.com/"},
      {"https://a.com:00080/", "https://a.com:80/"},
      {"https://a.com:0/", "https://a.com:0/"},
      {"https://me@a.com/", "https://a.com/"},
      {"https://me:pw@a.com/", "https://a.com/"},
      {"https://@a.com/", "https://a.com/"},
      {"https://a.com?q", "https://a.com/?q"},
      {"https://a.com/?", "https://a.com/?"},
  });
}

// Each of these some parser repairs in a way of its own.
TEST(Url, RepairsNothing) {
  ExpectAll({
      {"", "refused"},
      {"example.com", "refused"},
      {"//example.com/", "refused"},
      {":", "refused"},
      {"1http://a.com/", "refused"},
      {"ht tp://a.com/", "refused"},
      {"http_s://a.com/", "refused"},
      {" https://a.com/", "refused"},
      {"https://a.com/ ", "refused"},
      {"https://a.com/a b", "refused"},
      {"https://a b.com/", "refused"},
      {"https://a\tb.com/", "refused"},
      {"https://a.com/\n", "refused"},
      {"ht\ntps://a.com/", "refused"},
      {"https:a.com", "refused"},
      {"https:/a.com", "refused"},
      {"https:///a.com", "refused"},
      {"https:\\\\a.com", "refused"},
      {"https://a.com\\b", "refused"},
      {"https://a.com\\@b.com/", "refused"},
      {"https://a.com/b\\c", "refused"},
      {"https://", "refused"},
      {"https:///", "refused"},
      {"https://:443/", "refused"},
      {"https://me@/", "refused"},
      {"https://a.com@b.com@c.com/", "refused"},
      {"https://a.com:65536/", "refused"},
      {"https://a.com:99999999999999999999/", "refused"},
      {"https://a.com:-1/", "refused"},
      {"https://a.com:8x/", "refused"},
      {"https://a.com:80:80/", "refused"},
      {"https://a.com/\xc3\xa9", "refused"},
      {"https://a.com/?\xc3\xa9", "refused"},
      {"https://a.com/#\xc3\xa9", "refused"},
      {"https://\xc3\xa9@a.com/", "refused"},
      {"https://a.com/\x7f", "refused"},
  });
  EXPECT_EQ(Canonical(std::string("https://a.com/\0", 15)), "refused");
  EXPECT_EQ(Canonical(std::string("https://a\0.com/", 15)), "refused");
}

TEST(Url, AHostIsAsciiAndLowerCase) {
  ExpectAll({
      {"https://EXAMPLE.com/", "https://example.com/"},
      {"https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/"},
      {"https://b\xc3\xbc"
       "cher.example/",
       "https://xn--bcher-kva.example/"},
      {"https://B\xc3\x9c"
       "CHER.example/",
       "https://xn--bcher-kva.example/"},
      {"https://XN--BCHER-KVA.example/", "https://xn--bcher-kva.example/"},
      // Not transitional: this is not fass.de.
      {"https://fa\xc3\x9f.de/", "https://xn--fa-hia.de/"},
      {"https://a\xe3\x80\x82"
       "b.com/",
       "https://a.b.com/"},
      {"https://%41.com/", "https://a.com/"},
      {"https://a_b-c.com/", "https://a_b-c.com/"},
      {"https://r3---sn-5.example/", "https://r3---sn-5.example/"},
      {"https://a%.com/", "refused"},
      {"https://a%2.com/", "refused"},
      {"https://a%zz.com/", "refused"},
      {"https://a%00.com/", "refused"},
      {"https://a%2fb.com/", "refused"},
      {"https://a%40b.com/", "refused"},
      {"https://a%2541.com/", "refused"},
      {"https://%ff.com/", "refused"},
      {"https://a^b.com/", "refused"},
      {"https://a=b.com/", "refused"},
      {"https://a*b.com/", "refused"},
      {"https://xn--a/", "refused"},
      {"https://xn--/", "refused"},
      {"https://\xc2\xad/", "refused"},          // nothing is left of it
      {"https://\xe2\x84\x80.com/", "refused"},  // becomes a/c
  });
}

TEST(Url, LabelsHaveDnsLengthsAndAreNotEmpty) {
  const std::string label(63, 'a');
  EXPECT_EQ(Canonical("https://" + label + ".com/"), "https://" + label + ".com/");
  EXPECT_EQ(Canonical("https://a" + label + ".com/"), "refused");
  const std::string name = label + "." + label + "." + label + "." + label.substr(0, 61);
  ASSERT_EQ(name.size(), 253u);
  EXPECT_EQ(Canonical("https://" + name + "/"), "https://" + name + "/");
  EXPECT_EQ(Canonical("https://" + name + "./"), "https://" + name + "./");
  EXPECT_EQ(Canonical("https://" + name + "a/"), "refused");
  ExpectAll({{"https://a..b/", "refused"},
             {"https://.a.com/", "refused"},
             {"https://a.com../", "refused"},
             {"https://./", "refused"},
             {"https://../", "refused"}});
}

TEST(Url, ADotAtTheEndMakesAnotherHost) {
  EXPECT_EQ(Canonical("https://example.com./"), "https://example.com./");
  EXPECT_NE(*Url::Parse("https://example.com./"), *Url::Parse("https://example.com/"));
}

// All forms that inet_aton takes, so that no two texts of one address are two sites.
TEST(Url, Ipv4IsADottedQuad) {
  ExpectAll({
      {"http://127.0.0.1/", "http://127.0.0.1/"},
      {"http://127.0.0.1./", "http://127.0.0.1/"},
      {"http://0x7f.1/", "http://127.0.0.1/"},
      {"http://0X7F.1/", "http://127.0.0.1/"},
      {"http://2130706433/", "http://127.0.0.1/"},
      {"http://017700000001/", "http://127.0.0.1/"},
      {"http://0177.0.0.01/", "http://127.0.0.1/"},
      {"http://127.1/", "http://127.0.0.1/"},
      {"http://127.0.1/", "http://127.0.0.1/"},
      {"http://1.2.772/", "http://1.2.3.4/"},
      {"http://1.131844/", "http://1.2.3.4/"},
      {"http://0/", "http://0.0.0.0/"},
      {"http://0x/", "http://0.0.0.0/"},
      {"http://4294967295/", "http://255.255.255.255/"},
      {"http://%31%32%37.1/", "http://127.0.0.1/"},
      {"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1/", "http://127.0.0.1/"},
      {"http://4294967296/", "refused"},
      {"http://18446744073709551617/", "refused"},
      {"http://256.0.0.1/", "refused"},
      {"http://1.2.3.256/", "refused"},
      {"http://1.2.65536/", "refused"},
      {"http://1.2.3.4.5/", "refused"},
      {"http://1.2.3.08/", "refused"},
      {"http://a.1/", "refused"},
      {"http://a.0x1f/", "refused"},
      {"http://1..2/", "refused"},
      {"http://1.2.3.com/", "http://1.2.3.com/"},
      {"http://a.0xzz/", "http://a.0xzz/"},
      {"http://1.2.3.4a/", "http://1.2.3.4a/"},
  });
}

TEST(Url, Ipv6IsCompressed) {
  ExpectAll({
      {"http://[::1]/", "http://[::1]/"},
      {"http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080/"},
      {"http://[2001:DB8:0:0:1:0:0:1]/", "http://[2001:db8::1:0:0:1]/"},
      {"http://[1:0:3:4:5:6:7:8]/", "http://[1:0:3:4:5:6:7:8]/"},
      {"http://[1:2:3:4:5:6:0:0]/", "http://[1:2:3:4:5:6::]/"},
      {"http://[::]/", "http://[::]/"},
      {"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"},
      {"http://[::1/", "refused"},
      {"http://[::1]a/", "refused"},
      {"http://[fe80::1%25eth0]/", "refused"},
      {"http://[]/", "refused"},
      {"http://::1/", "refused"},
      {"http://[1.2.3.4]/", "refused"},
      {"http://a[::1]/", "refused"},
  });
}

TEST(Url, AFileHasAPathAndNoHost) {
  ExpectAll({
      {"file:///etc/passwd", "file:///etc/passwd"},
      {"FILE://LocalHost/etc", "file:///etc"},
      {"file:///", "file:///"},
      {"file://server/share", "refused"},
      {"file:/etc/passwd", "refused"},
      {"file:etc", "refused"},
      {"file://", "refused"},
      {"file:///a\\b", "refused"},
      {"file://me@localhost/a", "refused"},
  });
}

TEST(Url, OtherSchemesAreOpaque) {
  ExpectAll({
      {"about:blank", "about:blank"},
      {"ABOUT:Config?x", "about:Config?x"},
      {"about:", "about:"},
      {"data:text/html,<b>x</b>", "data:text/html,<b>x</b>"},
      {"data:text/html,a\\b", "data:text/html,a\\b"},
      {"data:text/html,a b", "refused"},
      {"javascript:alert(1)", "javascript:alert(1)"},
      {"mailto:me@example.com", "mailto:me@example.com"},
      {"foo://BAR/x", "foo://BAR/x"},
      {"moz-extension://5F3A-b/Page.html", "moz-extension://5f3a-b/Page.html"},
      {"moz-extension://", "refused"},
      {"moz-extension://a.b/", "refused"},
      {"moz-extension://a:80/", "refused"},
      {"moz-extension://me@a/", "refused"},
      {"chrome://browser/content/x.xhtml", "chrome://browser/content/x.xhtml"},
  });
}

TEST(Url, ViewSourceIsAboutThePageInside) {
  absl::StatusOr<Url> url = Url::Parse("view-source:HTTPS://A.com?x=1");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->ToString(), "view-source:https://a.com/?x=1");
  EXPECT_EQ(url->Inner(), *Url::Parse("https://a.com/?x=1"));
  ExpectAll({{"view-source:", "refused"},
             {"view-source:a.com", "refused"},
             {"view-source:view-source:https://a.com/", "refused"}});
}

TEST(Url, ABlobNamesTheOriginThatMadeIt) {
  absl::StatusOr<Url> url = Url::Parse("blob:https://A.com:8443/0b3c-44");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->ToString(), "blob:https://a.com:8443/0b3c-44");
  EXPECT_EQ(url->Inner(), *Url::Parse("https://a.com:8443/"));
  EXPECT_FALSE(Url::Parse("blob:null/0b3c")->Inner());
  ExpectAll({{"blob:", "refused"},
             {"blob:0b3c", "refused"},
             {"blob:https://a.com/", "refused"},
             {"blob:https://a.com/x/y", "refused"},
             {"blob:https://a.com?q/y", "refused"},
             {"blob:https:///y", "refused"},
             {"blob:about:config/y", "refused"},
             {"blob:file:///y", "refused"},
             {"blob:data:x/y", "refused"},
             {"blob:blob:https://a.com/x/y", "refused"}});
}

TEST(Url, OnlyNestedUrlsHaveAnInside) {
  for (const char* text : {"https://a.com/", "about:blank", "data:,x", "file:///a"}) {
    EXPECT_FALSE(Url::Parse(text)->Inner()) << text;
  }
}

TEST(Url, AnErrorShowsTheBeginningOfTheTextInPrintableBytes) {
  absl::StatusOr<Url> url = Url::Parse("https://a\n\x01.com/" + std::string(200, 'x'));
  ASSERT_FALSE(url.ok());
  EXPECT_EQ(url.status().message(), "url https://a\\n\\x01.com/" + std::string(80 - 16, 'x') +
                                        "...: a space or a control character");
}

// What the seeds below are made of: whatever means something to a parser.
constexpr std::string_view kPieces[] = {"http",
                                        "https",
                                        "file",
                                        "about",
                                        "blob",
                                        "view-source",
                                        "data",
                                        "ws",
                                        "moz-extension",
                                        ":",
                                        "//",
                                        "/",
                                        "?",
                                        "#",
                                        "@",
                                        ".",
                                        "[",
                                        "]",
                                        "::1",
                                        "%41",
                                        "%",
                                        "0x7f",
                                        "127.1",
                                        "xn--",
                                        "xn--bcher-kva",
                                        "\xc3\xbc",
                                        "a",
                                        "B.com",
                                        "null",
                                        "\\",
                                        " ",
                                        "\xff",
                                        "443",
                                        "99999",
                                        "-",
                                        "_",
                                        "^",
                                        "=",
                                        "co.uk",
                                        "\xe3\x80\x82",
                                        "\xef\xbc\x91",
                                        "\xc2\xad",
                                        "\xe2\x80\x8d"};

// Parsing what was parsed gives the same, or one site would have two names.
void ExpectFixpoint(const std::string& text, int& accepted) {
  absl::StatusOr<Url> url = Url::Parse(text);
  if (!url.ok()) return;
  ++accepted;
  absl::StatusOr<Url> again = Url::Parse(url->ToString());
  ASSERT_TRUE(again.ok()) << text << ": " << again.status();
  EXPECT_EQ(*again, *url) << text;
  EXPECT_EQ(again->ToString(), url->ToString()) << text;
  EXPECT_EQ(url->host().find_first_of("^=/@:? \\") == std::string::npos || url->host()[0] == '[',
            true)
      << text;
}

TEST(Url, WhatIsAcceptedIsItsOwnCanonicalForm) {
  std::mt19937 random(20230209);
  int accepted = 0;
  for (int i = 0; i < 60000; ++i) {
    std::string text = i % 3 == 0 ? "" : i % 3 == 1 ? "https://" : "http://a";
    const size_t pieces = random() % 8;
    for (size_t k = 0; k < pieces; ++k) {
      absl::StrAppend(&text, std::string(kPieces[random() % std::size(kPieces)]));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectFixpoint(text, accepted));
  }
  EXPECT_GT(accepted, 5000) << "of the seeds too few are URLs to show anything";
}

TEST(Url, RandomBytesDoNoHarm) {
  std::mt19937 random(7);
  int accepted = 0;
  for (int i = 0; i < 40000; ++i) {
    std::string text = i % 2 == 0 ? "" : "https://";
    const size_t size = random() % 40;
    for (size_t k = 0; k < size; ++k) text += static_cast<char>(random());
    ASSERT_NO_FATAL_FAILURE(ExpectFixpoint(text, accepted));
  }
}

}  // namespace
}  // namespace forkserver
