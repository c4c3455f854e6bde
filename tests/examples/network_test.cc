// Pages of the browser host that come from servers: redirections, policies of the response, TLS,
// and servers that do not behave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/examples/fetch/certificates.h"
#include "tests/examples/fetch/loopback_server.h"
#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

using browser_host::LoopbackServer;
using browser_host::RedirectTo;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

using Headers = std::vector<std::pair<std::string, std::string>>;

browser_host::Page Html(const std::string& body, Headers headers = {}) {
  headers.emplace_back("Content-Type", "text/html");
  return {.headers = std::move(headers), .body = body};
}

constexpr char kName[] = "IP:127.0.0.4";

class Network : public PaintedSites {
 protected:
  LoopbackServer one_{LoopbackServer::Options{.address = "127.0.0.2"}};
  LoopbackServer other_{LoopbackServer::Options{.address = "127.0.0.3"}};
};

TEST_F(Network, TheSocketProcessFetchesAndNobodyElseDoes) {
  one_.Serve("/", Html("<title>hello</title>"));
  const ProgramResult result = Run({one_.Url("/")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("  title     hello\n"),
                                   ContainsRegex("content +webIsolated=http://127.0.0.2 "),
                                   ContainsRegex("socket +- +fork +- .* exited with status 0\n"),
                                   HasSubstr("sandbox: socket, level 2, 15 of 15 layers\n")));
}

// A page belongs to the site that it comes from, whoever has led there.
TEST_F(Network, RedirectionLeadsToTheOtherSitesProcess) {
  one_.Serve("/", RedirectTo(other_.Url("/there")));
  other_.Serve("/there", Html("<title>there</title>"));
  const ProgramResult result = Run({one_.Url("/")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("  title     there\n"),
                                   ContainsRegex("content +webIsolated=http://127.0.0.3 "),
                                   Not(HasSubstr("webIsolated=http://127.0.0.2 "))));
}

TEST_F(Network, PoliciesOfTheResponseIsolateThePage) {
  // Only what comes securely can be isolated.
  const Headers isolated = {{"Cross-Origin-Opener-Policy", "same-origin"},
                            {"Cross-Origin-Embedder-Policy", "require-corp"}};
  const browser_host::TestAuthority authority;
  LoopbackServer secure({.address = "127.0.0.4", .identity = authority.Issue({.names = kName})});
  secure.Serve("/", Html("<title>isolated</title>", isolated));
  const std::string ca = Write("ca.pem", authority.pem());
  const ProgramResult result = Run({"--ca-file", ca, secure.Url("/")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("  title     isolated\n"),
                                   ContainsRegex("content +webCOOP\\+COEP=https://127.0.0.4 ")));
}

TEST_F(Network, ServerThatNobodyVouchesForHasNoPage) {
  const browser_host::TestAuthority authority;
  LoopbackServer secure({.address = "127.0.0.4", .identity = authority.Issue({.names = kName})});
  secure.Serve("/", Html("<title>secret</title>"));
  const ProgramResult result = RunOn({secure.Url("/")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("  error     "), HasSubstr("certificate"), Not(HasSubstr("secret"))));
}

TEST_F(Network, FramesImagesAndStyleSheetsComeFromTheirServers) {
  WritePicture("red.png", kRed);
  std::ifstream file(folder_ / "red.png");
  const std::string png((std::istreambuf_iterator<char>(file)), {});
  other_.Serve("/red.png", {.headers = {{"Content-Type", "image/png"}}, .body = png});
  other_.Serve("/frame", Html("<body style='margin:0;background:#00f'>"));
  one_.Serve("/s.css", {.headers = {{"Content-Type", "text/css"}},
                        .body = "body{margin:0} img,iframe{display:block;border:0}"});
  one_.Serve("/",
             Html("<link rel=stylesheet href=/s.css><img src='" + other_.Url("/red.png") +
                  "'><iframe width=30 height=20 src='" + other_.Url("/frame") + "'></iframe>"));
  const ProgramResult result = RunOn({one_.Url("/")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  const ReadPicture picture = PictureOf(*Names().begin());
  EXPECT_EQ(picture.At(19, 9), kRed);
  EXPECT_EQ(picture.At(29, 29), kBlue);
  EXPECT_THAT(result.output, AllOf(ContainsRegex("content +webIsolated=http://127.0.0.2 "),
                                   ContainsRegex("content +webIsolated=http://127.0.0.3 ")));
}

TEST_F(Network, SecurePageHasImagesByHttpAndNothingElse) {
  const browser_host::TestAuthority authority;
  LoopbackServer secure({.address = "127.0.0.4", .identity = authority.Issue({.names = kName})});
  secure.Serve("/", Html("<title>t</title><link rel=stylesheet href='" + one_.Url("/s.css") +
                         "'><iframe src='" + one_.Url("/frame") + "'></iframe><img src='" +
                         one_.Url("/red.png") + "'>"));
  const std::string ca = Write("ca.pem", authority.pem());
  const ProgramResult result = RunOn({"--ca-file", ca, secure.Url("/")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  ASSERT_EQ(one_.requests().size(), 1u);
  EXPECT_EQ(one_.requests()[0].target, "/red.png");
}

// What calls itself an image or style sheet and is none does not reach the page's process.
TEST_F(Network, PagesOfOthersAreNoImages) {
  other_.Serve("/secret", Html("secret"));
  one_.Serve("/", Html("<title>t</title><img src='" + other_.Url("/secret") +
                       "'><link rel=stylesheet href='" + other_.Url("/secret") + "'>"));
  const ProgramResult result = RunOn({one_.Url("/")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(other_.requests().size(), 2u);
  // Whichever was first.
  EXPECT_THAT(result.output,
              ContainsRegex("  missing   2 of 2 resources, first " + other_.Url("/secret") +
                            ": no (picture|style sheet: text/html)\n"));
}

TEST_F(Network, ServersThatMisbehaveCostTheirPageAndNoOther) {
  one_.Serve("/loop", RedirectTo(one_.Url("/loop")));
  one_.Serve("/garbage", browser_host::Raw("no HTTP at all\r\n\r\n"));
  one_.Serve("/bomb", browser_host::GzipBomb(size_t{256} << 20));
  one_.Serve("/file", RedirectTo("file:///etc/passwd"));
  one_.Serve("/missing", {.status = 404, .headers = {}, .body = "<title>not here</title>"});
  one_.Serve("/good", Html("<title>good</title>"));
  const ProgramResult result = RunOn({one_.Url("/loop"), one_.Url("/garbage"), one_.Url("/bomb"),
                                      one_.Url("/file"), one_.Url("/missing"), one_.Url("/good")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, AllOf(HasSubstr("redirects\n"), HasSubstr(" bytes\n"),
                                   HasSubstr("  title     not here\n"),
                                   HasSubstr("  title     good\n"), Not(HasSubstr("root:"))));
  EXPECT_EQ(Names().size(), 6u);
}

// As a browser shows it: the page that the server has for it, and no error.
TEST_F(Network, StatusOfAPageIsToldWhereItIsNoSuccess) {
  one_.Serve("/missing", {.status = 404, .headers = {}, .body = "<title>not here</title>"});
  one_.Serve("/good", {.status = 203, .headers = {}, .body = "<title>good</title>"});
  const std::string gallery = folder_ / "gallery.html";
  const ProgramResult result = Run({"--gallery", gallery, one_.Url("/missing"), one_.Url("/good")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("/missing\n  status    404\n  title     not here\n"),
                                   HasSubstr("/good\n  title     good\n")));
  std::ifstream file(gallery);
  const std::string html((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(html, AllOf(ContainsRegex("painted in [0-9.]+ ms; status 404<"),
                          Not(HasSubstr("status 203"))));
}

// A body that no content process is given.
TEST_F(Network, PageOfATypeThatIsNotShownIsAnErrorThatNamesIt) {
  const auto serve = [&](const std::string& path, const std::string& type, int status = 200) {
    one_.Serve(path, {.status = status,
                      .headers = {{"Content-Type", type}},
                      .body = "<title>read</title><body style='background:#f00'>"});
    return one_.Url(path);
  };
  const std::string pdf = serve("/a.pdf", "application/pdf");
  const std::string json = serve("/b", "application/json; charset=utf-8", 404);
  const std::string text = serve("/c", "text/plain; charset=utf-8");
  one_.Serve("/frame", Html("<body style='margin:0'><iframe style='border:0' width=300 height=50 "
                            "src=/a.pdf></iframe>"));
  const ProgramResult result = RunOn({pdf, json, text, one_.Url("/frame")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, AllOf(HasSubstr(pdf + "\n  error     application/pdf is not shown\n"),
                                   HasSubstr(json + "\n  status    404\n"
                                                    "  error     application/json is not shown\n"),
                                   HasSubstr(text + "\n"), Not(HasSubstr("  title     read\n"))));
  const std::string name = "127.0.0.2-" + std::to_string(one_.port());
  EXPECT_TRUE(Names().contains(name + "-a.pdf.png"));
  // Text is shown, and obeyed in nothing.
  EXPECT_EQ(PictureOf(name + "-c.png").At(2, 2), 0xffffffffu);
  EXPECT_EQ(PictureOf(name + "-frame.png").At(290, 40), 0xfff4f4f4u);
}

// The page is there before its image is: it is painted without it, and with its frames.
TEST_F(Network, ImageThatDoesNotComeIsLeftOutAndFramesAreNot) {
  one_.Serve("/slow.png", browser_host::Silent());
  other_.Serve("/frame", Html("<body style='margin:0;background:#00f'>"));
  one_.Serve("/", Html("<title>patient</title><body style='margin:0'><iframe style='border:0' "
                       "width=30 height=20 src='" +
                       other_.Url("/frame") + "'></iframe><img src=/slow.png>"));
  const ProgramResult result = RunOn({one_.Url("/")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("  title     patient\n"),
                                   HasSubstr("  missing   1 of 1 resource, first " +
                                             one_.Url("/slow.png") + ": did not come in time\n")));
  EXPECT_EQ(PictureOf(*Names().begin()).At(10, 10), kBlue);
}

// Whose sandbox loads no module of iconv's.
TEST_F(Network, PagesInUtf16AndInWindows1252AreRead) {
  const std::string marked("\xff\xfe<\0t\0i\0t\0l\0e\0>\0\xfc\0\x31\0", 20);
  const std::string big("\0<\0t\0i\0t\0l\0e\0>\0\xfc\0\x32", 18);
  one_.Serve("/marked", {.headers = {{"Content-Type", "text/html"}}, .body = marked});
  one_.Serve("/big", {.headers = {{"Content-Type", "text/html; charset=utf-16be"}}, .body = big});
  one_.Serve("/latin", {.headers = {{"Content-Type", "text/html; charset=latin1"}},
                        .body = "<title>\xfc\x33"});
  const ProgramResult result = RunOn({one_.Url("/marked"), one_.Url("/big"), one_.Url("/latin")});
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("  title     \u00fc1\n"), HasSubstr("  title     \u00fc2\n"),
                    HasSubstr("  title     \u00fc3\n")));
}

// A server is asked for so many things at a time.
TEST_F(Network, FramesThatDoNotComeAreInNoOtherPagesWay) {
  one_.Serve("/never", browser_host::Silent());
  std::string frames;
  for (int i = 0; i < 32; ++i) frames += "<iframe src=/never></iframe>";
  one_.Serve("/frames", Html("<title>frames</title>" + frames));
  one_.Serve("/quick", Html("<title>quick</title>"));
  const int64_t begin = NowNanos();
  const ProgramResult result = RunOn({one_.Url("/frames"), one_.Url("/quick")});
  // The frames are waited for 7 s, and given up by themselves at 10, half of them, and 20.
  EXPECT_LT(NowNanos() - begin, 15 * kNanosPerSecond);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("  title     frames\n"), HasSubstr("  title     quick\n")));
}

}  // namespace
}  // namespace forkserver::testing
