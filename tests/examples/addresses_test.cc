// What folders, files and URLs of the browser host's command line stand for.
#include "examples/browser_host/addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "examples/browser_host/file_url.h"
#include "examples/browser_host/percent.h"
#include "examples/browser_host/site_hosts.h"
#include "tests/testing/temporary_folder.h"

namespace browser_host {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SiteHosts, NameBecomesALabelThatAHostCanHave) {
  const struct {
    std::string name;
    std::string host;
  } kCases[] = {
      {"field-guide", "field-guide.test"},
      {"Field Guide", "field-guide-2.test"},
      {"gcc-12.2", "gcc-12-2.test"},
      {"libstdc++", "libstdc--.test"},
      {"b\xc3\xbc"
       "cher",
       "b--cher.test"},
      {"under_score", "under_score.test"},
      {"xn--a", "xn-a.test"},
      {"1", "1.test"},
      {"", "root.test"},
      {std::string(200, 'x'), std::string(63, 'x') + ".test"},
      {std::string(100, 'x'), std::string(61, 'x') + "-2.test"},
      {"a", "a.test"},
      {"A-2", "a-2.test"},
      {"A", "a-3.test"},
  };
  SiteHosts hosts;
  for (const auto& one : kCases) EXPECT_EQ(hosts.HostOf(one.name), one.host) << one.name;
}

TEST(Percent, EncodesAllButSlashesAndTheUnreserved) {
  EXPECT_EQ(PercentEncode("a/B-1._~"), "a/B-1._~");
  EXPECT_EQ(PercentEncode("a b?c#d%\xc3\xa9\\"), "a%20b%3Fc%23d%25%C3%A9%5C");
}

TEST(Percent, DecodesWhatItEncodesAndNothingThatIsBroken) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(PercentDecode(PercentEncode(all)), all);
  for (const char* broken : {"%", "a%2", "%zz", "%2", "a%00b"}) {
    EXPECT_EQ(PercentDecode(broken), std::nullopt) << broken;
  }
}

TEST(Addresses, AreUrlsWhereTheyBeginWithAScheme) {
  for (const char* url : {"about:config", "https://a.test/", "file:///x", "a+b-c.d:"}) {
    EXPECT_TRUE(IsUrl(url)) << url;
  }
  for (const char* path : {"pages", "./a:b.html", "/a:b", "1a:b", ":", "a b:c", ""}) {
    EXPECT_FALSE(IsUrl(path)) << path;
  }
}

TEST(Addresses, FileUrlNamesAPathWithoutDots) {
  EXPECT_EQ(PathOfFileUrl("file:///a/b.html"), "/a/b.html");
  EXPECT_EQ(PathOfFileUrl("FILE://localhost/a/./c/../b%20c.html?q#f"), "/a/b c.html");
  EXPECT_EQ(PathOfFileUrl("file:///a//b/"), "/a/b");
  EXPECT_EQ(PathOfFileUrl("file:////a/../../b"), "/b");
  EXPECT_EQ(PathOfFileUrl("file:///"), "/");
  for (const char* none : {"file://host/a", "file:a", "https://a.test/b", "/a", "file:///%00"}) {
    EXPECT_EQ(PathOfFileUrl(none), std::nullopt) << none;
  }
}

class PagesToOpenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* page : {"a/index.html", "a/b c/%.html", "z/index.html"}) {
      std::filesystem::create_directories((folder_ / page).parent_path());
      const std::ofstream file(folder_ / page);
    }
  }

  // The pages' URLs, or the error; beside the folder.
  std::vector<std::string> Open(std::vector<std::string> arguments) {
    arguments.push_back(folder_.string());
    return PagesOf(arguments);
  }

  static std::vector<std::string> PagesOf(const std::vector<std::string>& arguments) {
    PassedOver passed_over;
    const absl::StatusOr<PagesToOpen> pages = FindPages(arguments, passed_over);
    if (!pages.ok()) return {std::string(pages.status().message())};
    std::vector<std::string> urls;
    for (const Site& site : pages->sites) {
      for (const Page& page : site.pages) {
        urls.push_back(page.url);
        EXPECT_EQ(std::filesystem::exists(page.path), !site.folder.empty()) << page.path;
      }
    }
    return urls;
  }

  const forkserver::testing::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(PagesToOpenTest, FoldersAreSitesAndAllTheirPages) {
  EXPECT_THAT(Open({}), ElementsAre("https://a.test/b%20c/%25.html", "https://a.test/index.html",
                                    "https://z.test/index.html"));
}

TEST_F(PagesToOpenTest, UrlOfAServedSiteIsThatPageAndNoOther) {
  EXPECT_THAT(Open({"https://a.test/"}), ElementsAre("https://a.test/index.html"));
  EXPECT_THAT(Open({"HTTPS://Z.test?query", "https://a.test:443/b%20c/%25.html#x"}),
              ElementsAre("https://a.test/b%20c/%25.html", "https://z.test/index.html"));
}

TEST_F(PagesToOpenTest, FileUrlIsThatPageAndNoOtherEither) {
  EXPECT_THAT(Open({"file:///x/../y.html"}), ElementsAre("file:///x/../y.html"));
  EXPECT_THAT(Open({"file:///x/../y.html", "https://a.test/"}),
              ElementsAre("https://a.test/index.html", "file:///x/../y.html"));
}

// They are in no folder, so none is only served for them.
TEST_F(PagesToOpenTest, AboutPagesAreOpenedBesideFoldersPages) {
  const std::string z = (folder_ / "z").string();
  const std::string page = "https://z.test/index.html";
  // What is named first may be an edit, which they are to obey; of processes there are most at the
  // end.
  EXPECT_THAT(PagesOf({"about:processes", "about:config", z}),
              ElementsAre("about:config", page, "about:processes"));
  EXPECT_THAT(
      PagesOf({"about:crash", "about:config?b", z, "about:config?a", "about:processes"}),
      ElementsAre("about:config?b", page, "about:crash", "about:config?a", "about:processes"));
  EXPECT_THAT(PagesOf({"about:processes", "about:config"}),
              ElementsAre("about:processes", "about:config"));
  EXPECT_THAT(Open({"about:config", "https://z.test/"}), ElementsAre("about:config", page));
}

TEST_F(PagesToOpenTest, FileThatIsNamedBesideAUrlIsOpenedToo) {
  const std::string file = (folder_ / "z/index.html").string();
  EXPECT_THAT(PagesOf({file, "file:///y.html"}),
              ElementsAre("https://z.test/index.html", "file:///y.html"));
  EXPECT_THAT(PagesOf({(folder_ / "a").string(), file, "https://a.test/"}),
              ElementsAre("https://a.test/index.html", "https://z.test/index.html"));
}

TEST_F(PagesToOpenTest, WhatIsNotServedIsAnErrorThatSaysWhatIs) {
  const std::string served = " is not served here; there is https://a.test, https://z.test";
  for (const char* url : {"https://evil.test/", "http://a.test/", "https://a.test:8443/"}) {
    EXPECT_THAT(Open({url}), ElementsAre(url + served));
  }
  EXPECT_THAT(Open({"https://a.test/no.html"}),
              ElementsAre("https://a.test/no.html: https://a.test has no such page"));
}

TEST_F(PagesToOpenTest, SchemesAndAboutPagesThatAreNotThereAreErrorsThatSayWhichAre) {
  const std::string schemes = ": no such scheme here; there are http:, https:, file: and about:";
  for (const char* url : {"ftp://x.org/", "javascript:alert", "data:text/html,x",
                          "moz-extension://id/x.html", "view-source:https://a.test/"}) {
    EXPECT_THAT(Open({url}), ElementsAre(url + schemes));
  }
  EXPECT_THAT(Open({"data:," + std::string(1000, 'x')}),
              ElementsAre("data:," + std::string(194, 'x') + "..." + schemes));
  for (const char* url : {"about:memory", "about:blank", "about:"}) {
    EXPECT_THAT(Open({url}), ElementsAre(std::string(url) +
                                         ": no such page; there are about:config, about:crash, "
                                         "about:hang, about:oom and about:processes"));
  }
}

TEST_F(PagesToOpenTest, FileUrlThatIsNotEncodedIsAnErrorThatSaysSo) {
  const std::string hint = "; a file: URL is percent-encoded (%20 a space, %25 a %), a path is not";
  EXPECT_THAT(Open({"file:///a b"}),
              ElementsAre("url file:///a b: a space or a control character" + hint));
  EXPECT_THAT(Open({"file:///100%/x"}), ElementsAre("url file:///100%/x: no path" + hint));
}

// What the walk of a folder finds besides, by what stands behind it in the line.
TEST_F(PagesToOpenTest, WhatIsNoPageOfTheFolderIsPassedOverAndCounted) {
  const auto found = [&](const std::string& folder) {
    PassedOver passed_over;
    const auto sites = FindPages({(folder_ / folder).string()}, passed_over);
    const std::string text = passed_over.ToString();
    return sites.ok() ? text : std::string(sites.status().message());
  };
  EXPECT_EQ(found("a"), "");
  const std::string in_a = (folder_ / "a").string();
  std::filesystem::create_symlink("index.html", folder_ / "a/in.html");
  std::filesystem::create_symlink("../none", folder_ / "a/no-page.txt");
  EXPECT_EQ(found("a"), "");
  std::filesystem::create_symlink("..", folder_ / "a/up");
  EXPECT_EQ(found("a"), "passed over " + in_a + "/up: a link to a folder");
  std::filesystem::create_symlink("../z/index.html", folder_ / "a/out.html");
  EXPECT_EQ(found("a"), "passed over 2, first " + in_a + "/out.html: a link out of the folder");
  ASSERT_EQ(mkfifo((in_a + "/fifo.html").c_str(), 0600), 0);
  EXPECT_EQ(found("a"), "passed over 3, first " + in_a + "/fifo.html: no file");
  std::filesystem::create_symlink("none", folder_ / "a/dead.html");
  EXPECT_EQ(found("a"), "passed over 4, first " + in_a + "/dead.html: a link to nothing");
  EXPECT_THAT(PagesOf({in_a}), ElementsAre("https://a.test/b%20c/%25.html",
                                           "https://a.test/in.html", "https://a.test/index.html"));
  // It is within the folder of both.
  EXPECT_EQ(found("."), "passed over 3, first " + in_a + "/dead.html: a link to nothing");
  std::filesystem::create_directory(folder_ / "only");
  std::filesystem::create_symlink("../z/index.html", folder_ / "only/out.html");
  const std::string only = (folder_ / "only").string();
  EXPECT_EQ(found("only"), "no HTML pages in " + only + "; passed over " + only +
                               "/out.html: a link out of the folder");
  // What is named is opened, wherever it leads.
  EXPECT_THAT(PagesOf({in_a + "/out.html"}), ElementsAre("https://a.test/out.html"));
}

TEST(PagesToOpen, NothingIsNothing) {
  PassedOver passed_over;
  const absl::StatusOr<PagesToOpen> pages = FindPages({}, passed_over);
  ASSERT_TRUE(pages.ok());
  EXPECT_THAT(pages->sites, IsEmpty());
}

}  // namespace
}  // namespace browser_host
