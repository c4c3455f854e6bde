// about:processes and about:config as pages of the browser host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <list>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "tests/examples/fetch/loopback_server.h"
#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

using browser_host::Gate;
using browser_host::HttpConnection;
using browser_host::HttpRequest;
using browser_host::LoopbackServer;

browser_host::Page Html(const std::string& body) {
  return {.headers = {{"Content-Type", "text/html"}}, .body = body};
}

// Until somebody has put it into its folder, half a minute at most.
bool AwaitFile(const std::string& path) {
  const UniqueFd changes(inotify_init1(IN_CLOEXEC));
  const std::string folder = std::filesystem::path(path).parent_path();
  if (inotify_add_watch(changes.get(), folder.c_str(), IN_MOVED_TO) < 0) return false;
  pollfd ready = {.fd = changes.get(), .events = POLLIN, .revents = 0};
  char events[4096];
  while (!std::filesystem::exists(path)) {
    if (poll(&ready, 1, 30'000) <= 0) return false;
    if (read(changes.get(), events, sizeof(events)) <= 0) return false;
  }
  return true;
}

class AboutPages : public PaintedSites {};

TEST_F(AboutPages, AreLaidOutInAPrivilegedContentProcess) {
  Write("sites/a/page.html", "<title>a</title>");
  const ProgramResult result =
      RunOn({folder_ / "sites", "about:processes", "about:config", "https://a.test/page.html"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(ContainsRegex("about:processes\n  title     Processes\n"),
                    ContainsRegex("about:config\n  title     Prefs\n"),
                    ContainsRegex("content +privilegedabout +[a-z]+ +2 "),
                    ContainsRegex("content +webIsolated=https://a.test +[a-z]+ +1 ")));
  // A row for each process.
  EXPECT_GT(PictureOf("about-processes.png").height, 150u);
}

// The next page has it: what it shows comes of the new generation.
TEST_F(AboutPages, AnEditIsThereFromThenOn) {
  const std::string prefs = Write("prefs.js", "pref(\"a.b\", 3);");
  const ProgramResult result = Run(
      {"--prefs", prefs, "about:config?a.b", "about:config?set=a.b=1234567", "about:config?a.b"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  // Of its text only the size is told: six digits more, and "set" for what it says of a default.
  std::vector<int> sizes;
  for (size_t at = 0; (at = result.output.find("  text      ", at)) != std::string::npos; ++at) {
    sizes.push_back(atoi(result.output.c_str() + at + 12));
  }
  ASSERT_EQ(sizes.size(), 3u) << result.output;
  EXPECT_EQ(sizes[2] - sizes[0], 6 + 3 - 7) << result.output;
}

// Of each site there is one, while it is painted.
TEST_F(AboutPages, ProcessesAreThoseOfAllSitesBesideIt) {
  const auto height_with = [this](int sites) {
    for (int i = 0; i < sites; ++i) Write("sites/s" + std::to_string(i) + "/page.html", "words");
    const ProgramResult result = RunOn({"about:processes", folder_ / "sites"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_THAT(result.output, HasSubstr(std::to_string(sites + 1) + " pages in "));
    EXPECT_THAT(result.errors, HasSubstr("opening " + std::to_string(sites + 1) + " sites\n"));
    return PictureOf("about-processes.png").height;
  };
  const uint32_t one = height_with(1);
  const uint32_t three = height_with(3);
  const uint32_t eleven = height_with(11);
  EXPECT_GT(three, one);
  EXPECT_EQ(eleven - three, 4 * (three - one));
}

TEST_F(AboutPages, AnEditThatIsNamedFirstIsObeyedByEveryPage) {
  WritePicture("sites/a/red.png", kRed);
  Write("sites/a/page.html", "<body style='margin:0'><img style='display:block' src=red.png>");
  const std::string edit = "about:config?set=permissions.default.image=2";
  for (const std::vector<std::string>& pages :
       {std::vector<std::string>{edit, folder_ / "sites"},
        std::vector<std::string>{"about:processes", edit, folder_ / "sites"}}) {
    const ProgramResult result = RunOn(pages);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_THAT(result.output, HasSubstr("  blocked   1 image, by permissions.default.image\n"));
    EXPECT_EQ(PictureOf("a.test-page.html.png").At(0, 0), kWhite);
  }
}

// A browser host has eight tabs at a time, and about: pages are the last one's: so the first waits
// for its first page, seven wait with it, and the edit comes when they are done. Only then has the
// first tab its second page, of the same process.
TEST_F(AboutPages, AnEditReachesAProcessThatRuns) {
  WritePicture("red.png", kRed);
  const std::string edited = Folder() + "/about-config-set-permissions.default.image-2.png";
  const std::string body = "<body style='margin:0'><img style='display:block' src=/red.png>";
  Gate first_is_done;
  LoopbackServer site({.address = "127.0.0.2"});
  site.ServeFolder("/", folder_);
  site.Serve("/first", Html(body));
  site.Serve("/second", [&](const HttpRequest&, HttpConnection& connection) {
    EXPECT_FALSE(std::filesystem::exists(edited));
    first_is_done.Open();
    EXPECT_TRUE(AwaitFile(edited));
    connection.Write(ToHttp(Html(body)));
  });
  std::vector<std::string> pages = {site.Url("/first"), site.Url("/second")};
  std::list<LoopbackServer> others;
  for (int i = 0; i < 7; ++i) {
    LoopbackServer& other = others.emplace_back(LoopbackServer::Options{.address = "127.0.0.3"});
    other.Serve("/", [&](const HttpRequest&, HttpConnection& connection) {
      first_is_done.Wait();
      connection.Write(ToHttp(Html("words")));
    });
    pages.push_back(other.Url("/"));
  }
  pages.push_back("about:config?set=permissions.default.image=2");
  const ProgramResult result = RunOn(pages);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, ContainsRegex("webIsolated=http://127.0.0.2 +[a-z]+ +2 "));
  const std::string name = "127.0.0.2-" + std::to_string(site.port());
  EXPECT_EQ(PictureOf(name + "-first.png").At(0, 0), kRed);
  EXPECT_EQ(PictureOf(name + "-second.png").At(0, 0), kWhite);
  size_t images = 0;
  for (const HttpRequest& request : site.requests()) images += request.target == "/red.png";
  EXPECT_EQ(images, 1u);
}

// As in Firefox: what is not fetched by http: or https: is no image of the web.
TEST_F(AboutPages, ImagesThatAreBlockedAreThoseOfTheWeb) {
  std::ifstream file(WritePicture("sites/a/red.png", kRed));
  const std::string png((std::istreambuf_iterator<char>(file)), {});
  const std::string bare =
      "<body style='margin:0'><style>img,iframe{display:block;border:0}</style>";
  const std::string fetched = "<img width=20 height=10 src=red.png>";
  Write("sites/a/inner.html", bare + fetched);
  Write("sites/a/page.html", bare + fetched + "<iframe height=10 src=inner.html></iframe>" +
                                 "<img src='data:image/png;base64," + absl::Base64Escape(png) +
                                 "'>");
  const auto painted = [&](const std::string& value) {
    const std::string prefs =
        Write("prefs.js", "user_pref('permissions.default.image', " + value + ");");
    // The last is no page, but the file's process may read what is below it.
    const std::string folder = "file://" + (folder_ / "sites/a").string();
    const ProgramResult result = RunOn({"--prefs", prefs, folder_ / "sites",
                                        "https://a.test/page.html", folder + "/page.html", folder});
    // The page's own, and that of its frame.
    const bool is_told =
        result.output.find("  blocked   2 images, by permissions.default.image\n") !=
        std::string::npos;
    EXPECT_EQ(is_told, value == "2") << result.output;
    EXPECT_EQ(result.output.find("  blocked "), result.output.rfind("  blocked "));
    const std::set<std::string> names = Names();
    const auto of_file = std::find_if(names.begin(), names.end(), [](const std::string& name) {
      return name.ends_with("-sites-a-page.html.png");
    });
    EXPECT_NE(of_file, names.end());
    const ReadPicture of_web = PictureOf("a.test-page.html.png");
    return std::vector<uint32_t>{of_web.At(0, 5), of_web.At(0, 15), of_web.At(0, 25),
                                 PictureOf(*of_file).At(0, 5)};
  };
  EXPECT_EQ(painted("1"), (std::vector<uint32_t>{kRed, kRed, kRed, kRed}));
  EXPECT_EQ(painted("2"), (std::vector<uint32_t>{kWhite, kWhite, kRed, kRed}));
  EXPECT_EQ(painted("0"), (std::vector<uint32_t>{kRed, kRed, kRed, kRed}));
}

// Pages that could not be opened, and no more: the next edit is one.
TEST_F(AboutPages, EditsThatAreRefusedAreErrorsThatSayWhy) {
  const std::string prefs = Write("prefs.js", "pref('a.b', 3); pref('fixed', 1, locked);");
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"about:config?set=a.b=x", "not set: a.b: 'x' is no int of 32 bits"},
      {"about:config?set=fixed=2", "not set: fixed: is locked"},
      {"about:config?set=nowhere=2", "not set: nowhere: no such pref, and of no kind"},
      {"about:config?set=security.sandbox.content.level=0&kind=int",
       "not set: security.sandbox.content.level: not from a page"},
      {"about:config?set=security.sandbox.content.level=0",
       "not set: security.sandbox.content.level: not from a page"},
      {"about:config?set=a.b", "about:config: no value in set 'a.b'"},
      {"about:config?sett=a.b=4", "about:config: nothing is known of 'sett'"}};
  std::vector<std::string> arguments = {"--prefs", prefs};
  for (const auto& [url, why] : refused) arguments.push_back(url);
  arguments.push_back("about:config?set=a.b=4");
  const ProgramResult result = RunOn(arguments);
  EXPECT_EQ(result.exit_code, 1);
  for (const auto& [url, why] : refused) {
    EXPECT_THAT(result.output, HasSubstr(url + "\n  error     " + why + "\n"));
  }
  EXPECT_THAT(result.output, AllOf(HasSubstr("about:config?set=a.b=4\n  title     Prefs\n"),
                                   HasSubstr("17 of 17 layers")));
}

TEST_F(AboutPages, OfAnotherNameAreNone) {
  const ProgramResult result = Run({"about:nonsense"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("about:nonsense: no such page; there are about:config, "));
}

// No page of the web can have them: not by a frame, and not by a link that nobody follows.
TEST_F(AboutPages, AreNothingThatAPageOfTheWebCanOpen) {
  Write("sites/a/page.html",
        "<iframe src='about:config?set=x.y=1&kind=int'></iframe>"
        "<link rel=stylesheet href='about:config?set=x.y=1&kind=int'>"
        "<img src='about:config?set=x.y=1&kind=int'>");
  const ProgramResult result =
      RunOn({folder_ / "sites", "https://a.test/page.html", "about:config?x.y"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, Not(HasSubstr("x.y is set")));
}

}  // namespace
}  // namespace forkserver::testing
