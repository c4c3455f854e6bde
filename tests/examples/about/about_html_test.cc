// The HTML of about:processes and about:config: what it shows, and that it shows text only.
#include "examples/browser_host/about/about_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "examples/browser_host/html_text.h"

namespace browser_host {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kHostile = "<script>&\"'</script>\n\x1b[31m\xff";
constexpr std::string_view kHostileShown =
    "&lt;script&gt;&amp;&quot;&#39;&lt;/script&gt;\\x0a\\x1b[31m\\xff";

PrefField Pref(std::string_view name, AboutPrefKind kind, std::string_view value) {
  return {.name = name, .kind = kind, .value = value, .is_default = true};
}

TEST(AboutHtml, IsText) {
  EXPECT_EQ(HtmlText("plain text, \xc3\xa9"), "plain text, \xc3\xa9");
  EXPECT_EQ(HtmlText(kHostile), kHostileShown);
}

TEST(AboutHtml, ShowsProcesses) {
  const std::vector<ProcessField> rows = {{.pid = 1234,
                                           .type = "content",
                                           .remote_type = "webIsolated=https://a.test",
                                           .state = "running",
                                           .pages = 2,
                                           .private_kib = 1536,
                                           .launch_micros = 233},
                                          {.type = "parent"}};
  const std::string html = ProcessesHtml({.rows = rows});
  EXPECT_THAT(html, HasSubstr("<title>Processes</title>"));
  EXPECT_THAT(html, HasSubstr("<tr><td class=\"number\">1234</td><td>content</td>"
                              "<td>webIsolated=https://a.test</td><td class=\"number\">2</td>"
                              "<td class=\"number\">1536 KiB</td><td class=\"number\">233 µs</td>"
                              "<td>running</td></tr>"));
  EXPECT_THAT(html, HasSubstr("<tr><td class=\"number\">–</td><td>parent</td><td></td>"
                              "<td class=\"number\">–</td><td class=\"number\">–</td>"
                              "<td class=\"number\">–</td><td></td></tr>"));
  EXPECT_THAT(html, EndsWith("</table>\n</body></html>\n"));
  EXPECT_THAT(ProcessesHtml({.rows = rows, .left_out = 7}),
              HasSubstr("<p>7 more are not shown.</p>"));
}

TEST(AboutHtml, ShowsPrefsAndLinksToTheOtherValue) {
  std::vector<PrefField> prefs = {Pref("a.bool", AboutPrefKind::kBool, "true"),
                                  Pref("b.int", AboutPrefKind::kInt, "-7"),
                                  Pref("c.string", AboutPrefKind::kString, "x y")};
  prefs[0].is_default = false;
  prefs[0].is_user_set = true;
  prefs[2].is_locked = true;
  const std::string html = PrefsHtml({.prefs = prefs, .all = 40});
  EXPECT_THAT(html, HasSubstr("<p>3 of 40 prefs.</p>"));
  EXPECT_THAT(html, HasSubstr("<tr class=\"set\"><td>a.bool</td><td>set</td><td>bool</td>"
                              "<td>true</td><td><a href=\"about:config?set=a.bool=false\">"
                              "set false</a></td></tr>"));
  EXPECT_THAT(html, HasSubstr("<tr><td>b.int</td><td>default</td><td>int</td><td>-7</td>"
                              "<td></td></tr>"));
  EXPECT_THAT(html, HasSubstr("<tr><td>c.string</td><td>locked</td><td>string</td><td>x y</td>"
                              "<td></td></tr>"));
  EXPECT_THAT(html, Not(HasSubstr("class=\"outcome\"")));

  prefs[0].is_default = true;
  prefs[0].value = "false";
  prefs[1].is_cut = true;
  const std::string more =
      PrefsHtml({.prefs = prefs, .filter = "a<b", .all = 3, .outcome = "a.b is set."});
  EXPECT_THAT(more, HasSubstr("<p>3 of 3 prefs, with 'a&lt;b' in their name.</p>"));
  EXPECT_THAT(more, HasSubstr("<p class=\"outcome\">a.b is set.</p>"));
  EXPECT_THAT(more, HasSubstr("<tr><td>a.bool</td><td>set, as its default</td>"));
  EXPECT_THAT(more, HasSubstr("set=a.bool=true\">set true</a>"));
  EXPECT_THAT(more, HasSubstr("<td>-7…</td>"));
}

TEST(AboutHtml, LinkToALockedPrefIsNone) {
  std::vector<PrefField> prefs = {Pref("a.bool", AboutPrefKind::kBool, "true")};
  prefs[0].is_locked = true;
  EXPECT_THAT(PrefsHtml({.prefs = prefs, .all = 1}), Not(HasSubstr("href")));
}

// Whatever a stranger's text is, the page has the tags of one that has none.
TEST(AboutHtml, HostileTextMakesNoTags) {
  const auto tags = [](const std::string& html) {
    return std::count(html.begin(), html.end(), '<');
  };
  const auto quotes = [](const std::string& html) {
    return std::count(html.begin(), html.end(), '"');
  };
  const auto processes = [](std::string_view text) {
    const std::vector<ProcessField> rows = {{.type = text, .remote_type = text, .state = text}};
    return ProcessesHtml({.rows = rows});
  };
  EXPECT_EQ(tags(processes(kHostile)), tags(processes("plain")));
  EXPECT_EQ(quotes(processes(kHostile)), quotes(processes("plain")));
  EXPECT_THAT(processes(kHostile), HasSubstr(kHostileShown));
  const auto config = [](std::string_view text) {
    const std::vector<PrefField> prefs = {Pref(text, AboutPrefKind::kBool, "true"),
                                          Pref(text, AboutPrefKind::kString, text)};
    return PrefsHtml({.prefs = prefs, .filter = text, .all = 2, .outcome = text});
  };
  EXPECT_EQ(tags(config(kHostile)), tags(config("plain")));
  EXPECT_EQ(quotes(config(kHostile)), quotes(config("plain")));
  EXPECT_THAT(config(kHostile), HasSubstr(kHostileShown));
  EXPECT_THAT(config(kHostile), HasSubstr("href=\"about:config?set=%3Cscript%3E%26%22%27%3C/"
                                          "script%3E%0A%1B%5B31m%FF=false\""));
}

TEST(AboutHtml, IsBoundedAndSaysWhatIsMissing) {
  const std::string longest(kMaxPrefNameBytes, '"');
  const std::vector<PrefField> prefs(5000, Pref(longest, AboutPrefKind::kString, longest));
  const std::string html = PrefsHtml(
      {.prefs = prefs, .filter = longest, .all = 5000, .left_out = 10, .outcome = longest});
  EXPECT_LE(html.size(), kMaxAboutPageBytes);
  EXPECT_GT(html.size(), kMaxAboutPageBytes - 20'000) << "as many as there is room for";
  EXPECT_THAT(html, EndsWith("</body></html>\n"));
  const size_t rows = html.size() / (kMaxPrefNameBytes * 2 * 6);
  const size_t at = html.rfind("<p>");
  const size_t missing = std::stoul(html.substr(at + 3));
  EXPECT_NEAR(static_cast<double>(5010 - missing), static_cast<double>(rows), 3);
}

}  // namespace
}  // namespace browser_host
