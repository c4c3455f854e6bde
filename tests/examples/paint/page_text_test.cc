#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "examples/browser_host/paint/resolve_url.h"
#include "examples/browser_host/paint/text_case.h"
#include "examples/browser_host/paint/well_formed.h"

namespace browser_host {
namespace {

using std::string_view_literals::operator""sv;

TEST(WellFormedUtf8, LeavesWhatIsWellFormed) {
  constexpr std::string_view kText = "a\u00e9\u20ac\U0001f600\ufffd\U0010ffff";
  EXPECT_EQ(WellFormedUtf8(kText), kText);
  EXPECT_EQ(WellFormedUtf8("\xef\xbb\xbf<p>"), "<p>");
}

TEST(WellFormedUtf8, ReplacesEachByteThatIsNot) {
  EXPECT_EQ(WellFormedUtf8("\xe9!"), "\ufffd!");
  EXPECT_EQ(WellFormedUtf8("a\0b"sv), "a\ufffdb");
  EXPECT_EQ(WellFormedUtf8("\xc0\x80"), "\ufffd\ufffd");                      // NUL in two bytes
  EXPECT_EQ(WellFormedUtf8("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");            // a surrogate
  EXPECT_EQ(WellFormedUtf8("\xf4\x90\x80\x80"), "\ufffd\ufffd\ufffd\ufffd");  // above U+10FFFF
  EXPECT_EQ(WellFormedUtf8("\xe2\x82"), "\ufffd\ufffd");                      // cut
}

TEST(WellFormedUtf8, IsTakenApartIntoCharacters) {
  constexpr std::string_view kText = "a\u00e9\u20ac\U0001f600";
  size_t at = 0;
  EXPECT_EQ(NextCharacter(kText, at), U'a');
  EXPECT_EQ(NextCharacter(kText, at), U'\u00e9');
  EXPECT_EQ(NextCharacter(kText, at), U'\u20ac');
  EXPECT_EQ(NextCharacter(kText, at), U'\U0001f600');
  EXPECT_EQ(at, kText.size());
}

TEST(ResolveUrl, FollowsTheExamplesOfRfc3986) {
  struct {
    const char* reference;
    const char* url;
  } const cases[] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
  };
  for (const auto& [reference, url] : cases) {
    EXPECT_EQ(ResolveUrl("http://a/b/c/d;p?q", reference), url) << reference;
  }
}

TEST(ResolveUrl, TakesWhatPagesHave) {
  EXPECT_EQ(ResolveUrl("https://a.test", "x.png"), "https://a.test/x.png");
  EXPECT_EQ(ResolveUrl("file:///srv/docs/a.html", "../b c.png"), "file:///srv/b%20c.png");
  EXPECT_EQ(ResolveUrl("https://a.test/", " x\n.png "), "https://a.test/x.png");
  EXPECT_EQ(ResolveUrl("https://a.test/", "\u00e9"), "https://a.test/%C3%A9");
  EXPECT_EQ(ResolveUrl("about:blank", "x.png"), "x.png");
  EXPECT_EQ(ResolveUrl("https://a.test/", std::string(kMostUrlBytes, 'x')), "");
}

TEST(TextCase, IsThatOfEachCharacter) {
  EXPECT_EQ(InUpperCase("stra\u00dfe \u03b1"), "STRA\u00dfE \u0391");
  EXPECT_EQ(InLowerCase("\u00c9A"), "\u00e9a");
  EXPECT_EQ(Capitalized("(\u00e9t\u00e9)"), "(\u00c9t\u00e9)");
}

}  // namespace
}  // namespace browser_host
