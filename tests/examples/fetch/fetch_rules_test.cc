// What is fetched how: redirects, types, policies, names, and what a request says.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_format.h"
#include "tests/examples/fetch/fetch_process.h"
#include "tests/examples/fetch/loopback_server.h"

namespace browser_host {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Connections for these names lead to this address, to the port that they name.
const FetchSetup kSites = {.connect_to = {"a.test::127.0.0.1:", "b.test::127.0.0.2:"}};

std::string RefusedCalls(const forkserver::ForkServer& server) {
  std::string all;
  for (const auto& refused : server.refused_calls()) all += ToString(refused) + "\n";
  return all;
}

Page Of(std::string type, std::string body) {
  return {.headers = {{"Content-Type", std::move(type)}}, .body = std::move(body)};
}

HOST_TEST(FetchRules, SayWhatTheResponseSaidOfItself) {
  LoopbackServer web;
  web.Serve("/", Page{.headers = {{"Content-Type", "Text/HTML; x=1; Charset=\"UTF-8\""},
                                  {"Cross-Origin-Opener-Policy", "same-origin; report-to=\"x\""},
                                  {"cross-origin-embedder-policy", "require-corp"},
                                  {"Cross-Origin-Embedder-Policy", "unsafe-none"}},
                      .body = "page"});
  web.Serve("/bare", Page{.status = 404, .body = "none"});
  web.Serve("/odd", Page{.headers = {{"Content-Type", "text html"},
                                     {"Cross-Origin-Opener-Policy", std::string(2000, 'x')}}});
  FetchTest fetch(server);
  const Fetched page = fetch.Take({.url = web.Url("/?a=b#c")});
  EXPECT_EQ(page.final_url, web.Url("/?a=b#c"));
  EXPECT_EQ(page.http_status, 200u);
  EXPECT_EQ(page.content_type, "text/html");
  EXPECT_EQ(page.charset, "utf-8");
  EXPECT_EQ(page.opener_policy, "same-origin; report-to=\"x\"");
  EXPECT_EQ(page.embedder_policy, "require-corp, unsafe-none");
  EXPECT_EQ(BodyOf(page), "page");
  EXPECT_EQ(web.requests().back().target, "/?a=b");
  // An error of the server's is a page all the same.
  const Fetched bare = fetch.Take({.url = web.Url("/bare")});
  EXPECT_EQ(bare.http_status, 404u);
  EXPECT_EQ(bare.content_type, "");
  EXPECT_EQ(bare.opener_policy, "");
  EXPECT_EQ(BodyOf(bare), "none");
  const Fetched odd = fetch.Take({.url = web.Url("/odd")});
  EXPECT_EQ(odd.content_type, "");
  EXPECT_EQ(odd.opener_policy, "");
  EXPECT_EQ(odd.body_size, 0u);
}

HOST_TEST(FetchRules, FollowRedirectsToHttpAndHttpsAndNoFurther) {
  LoopbackServer web;
  web.Serve("/end", Of("text/html", "the end"));
  for (const int status : {301, 302, 303, 307, 308}) {
    web.Serve("/" + std::to_string(status), RedirectTo("end", status));
  }
  web.Serve("/300", RedirectTo("/end", 300));
  web.Serve("/fragment", RedirectTo("/end#its-own"));
  web.Serve("/space", RedirectTo("/an end"));
  web.Serve("/an%20end", Of("text/html", "another end"));
  for (int i = 0; i < 25; ++i) {
    web.Serve(absl::StrFormat("/hop%d", i), RedirectTo(absl::StrFormat("/hop%d", i + 1)));
  }
  web.Serve("/hop25", Of("text/html", "hopped"));
  FetchTest fetch(server);
  for (const int status : {301, 302, 303, 307, 308}) {
    const Fetched page = fetch.Take({.url = web.Url(absl::StrFormat("/%d#there", status))});
    EXPECT_EQ(page.final_url, web.Url("/end#there"));
    EXPECT_EQ(BodyOf(page), "the end");
  }
  EXPECT_EQ(fetch.Take({.url = web.Url("/300")}).http_status, 300u);
  EXPECT_EQ(fetch.Take({.url = web.Url("/fragment#x")}).final_url, web.Url("/end#its-own"));
  EXPECT_EQ(BodyOf(fetch.Take({.url = web.Url("/space")})), "another end");
  EXPECT_EQ(BodyOf(fetch.Take({.url = web.Url("/hop5")})), "hopped");
  EXPECT_EQ(fetch.Get(web.Url("/hop4")),
            absl::StrFormat("RESOURCE_EXHAUSTED: %s: %s: more than 20 redirects", web.Url("/hop4"),
                            web.Url("/hop24")));
  web.Serve("/loop", RedirectTo("/loop"));
  EXPECT_EQ(fetch.Get(web.Url("/loop")),
            "RESOURCE_EXHAUSTED: " + web.Url("/loop") + ": more than 20 redirects");
  for (const std::string to :
       {"file:///etc/passwd", "ftp://127.0.0.1/", "data:text/html,x", "about:config",
        "javascript:alert(1)", "http://", "https://a b/", "gopher://127.0.0.1:1/"}) {
    web.Serve("/to", RedirectTo(to));
    EXPECT_THAT(fetch.Get(web.Url("/to")),
                StartsWith("PERMISSION_DENIED: " + web.Url("/to") + ": redirected to "))
        << to;
  }
}

HOST_TEST(FetchRules, LeaveUserAndPasswordOut) {
  LoopbackServer web;
  web.Serve("/", Of("text/html", "page"));
  const std::string with_user = absl::StrFormat("http://me:secret@127.0.0.1:%d/", web.port());
  web.Serve("/to", RedirectTo(with_user));
  FetchTest fetch(server);
  for (const std::string& url : {with_user, web.Url("/to")}) {
    EXPECT_EQ(fetch.Take({.url = url}).final_url, web.Url("/"));
    EXPECT_FALSE(web.requests().back().headers.contains("authorization"));
  }
}

// What a page may not have read as a picture or a style sheet, it does not get.
HOST_TEST(FetchRules, GivePicturesAndStyleSheetsNothingElse) {
  LoopbackServer web;
  const std::string png("\x89PNG\r\n\x1a\n....", 12);
  web.Serve("/png", Of("image/png", png));
  web.Serve("/png-as-text", Of("text/html", png + "<p>"));
  web.Serve("/jpeg", Of("", "\xff\xd8\xff\xe0 and more of it"));
  web.Serve("/gif", Of("image/gif", "GIF89a and more"));
  web.Serve("/webp", Of("image/webp", std::string("RIFF\x01\x02\x03\x04WEBPVP8 ", 16)));
  web.Serve("/wave", Of("image/webp", std::string("RIFF\x01\x02\x03\x04WAVEfmt ", 16)));
  web.Serve("/html-as-png", Of("image/png", "<html><p>a secret of another site's"));
  web.Serve("/json", Of("application/json", "{\"balance\": 1000}"));
  web.Serve("/short", Of("image/png", "\x89PN"));
  web.Serve("/empty", Of("image/png", ""));
  web.Serve("/css", Of("text/css;charset=latin1", "p {}"));
  web.Serve("/css-as-html", Of("text/html", "p {}"));
  web.Serve("/css-as-none", Page{.body = "p {}"});
  web.Serve("/missing",
            Page{.status = 404, .headers = {{"Content-Type", "text/css"}}, .body = png});
  // Bytes as they come, one by one.
  web.Serve("/slow-png", [&](const HttpRequest&, HttpConnection& connection) {
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n");
    for (const char byte : png) {
      connection.Write(std::string(1, byte));
      connection.Pause(absl::Milliseconds(2));
    }
  });
  FetchTest fetch(server);
  for (const char* path : {"/png", "/png-as-text", "/jpeg", "/gif", "/webp", "/slow-png"}) {
    EXPECT_THAT(fetch.Get(web.Url(path), FetchFor::kImage), StartsWith("200 ")) << path;
  }
  web.Serve("/endless", Endless("HTTP/1.1 200 OK\r\n\r\n", "<p>not a picture"));
  for (const char* path :
       {"/wave", "/html-as-png", "/json", "/short", "/empty", "/css", "/endless"}) {
    EXPECT_EQ(fetch.Get(web.Url(path), FetchFor::kImage),
              "PERMISSION_DENIED: " + web.Url(path) + ": no picture");
  }
  EXPECT_EQ(fetch.Get(web.Url("/css"), FetchFor::kStyleSheet), "200 text/css 4 bytes: p {}");
  EXPECT_THAT(fetch.Get(web.Url("/css-as-html"), FetchFor::kStyleSheet),
              EndsWith(": no style sheet: text/html"));
  EXPECT_THAT(fetch.Get(web.Url("/css-as-none"), FetchFor::kStyleSheet),
              EndsWith(": no style sheet: no content type"));
  for (const FetchFor what : {FetchFor::kImage, FetchFor::kStyleSheet}) {
    EXPECT_EQ(fetch.Get(web.Url("/missing"), what),
              "NOT_FOUND: " + web.Url("/missing") + ": status 404");
  }
}

HOST_TEST(FetchRules, AskWithNothingOfTheUsers) {
  LoopbackServer web;
  web.Serve("/", Page{.headers = {{"Set-Cookie", "a=b"},
                                  {"WWW-Authenticate", "Negotiate"},
                                  {"Strict-Transport-Security", "max-age=1000000"}},
                      .body = "page"});
  FetchTest fetch(server);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(fetch.Get(web.Url("/")), "200  4 bytes: page");
    const HttpRequest request = web.requests().back();
    EXPECT_EQ(request.method, "GET");
    std::string names;
    for (const auto& [name, value] : request.headers) names += name + " ";
    EXPECT_EQ(names, "accept accept-encoding host user-agent ");
    EXPECT_EQ(request.headers.at("host"), absl::StrFormat("127.0.0.1:%d", web.port()));
    EXPECT_THAT(request.headers.at("accept-encoding"), HasSubstr("gzip"));
  }
  EXPECT_EQ(web.connections(), 1u) << "the second goes over the first one's connection";
}

// The host's environment names a proxy that is not there, and would be for all.
HOST_TEST(FetchRules, ObeyNoProxyOfTheEnvironment) {
  LoopbackServer web;
  web.Serve("/", Of("text/html", "straight"));
  FetchTest fetch(server);
  EXPECT_STREQ(getenv("http_proxy"), "http://127.0.0.1:1");
  EXPECT_EQ(fetch.Get(web.Url("/")), "200 text/html 8 bytes: straight");
}

// Of the hosts file: with an address of the loopback, and not one that libcurl knows by itself.
std::string NameOfTheHostsFile() {
  std::ifstream hosts("/etc/hosts");
  std::string line;
  while (std::getline(hosts, line)) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address, name;
    words >> address;
    while (words >> name) {
      if (address == "127.0.0.1" && name.find("localhost") == std::string::npos) return name;
    }
  }
  return "";
}

HOST_TEST(FetchRules, LookNamesUpInTheSandbox) {
  LoopbackServer web;
  web.Serve("/", Of("text/html", "by name"));
  FetchTest fetch(server);
  EXPECT_EQ(fetch.Get(web.Url("localhost", "/")), "200 text/html 7 bytes: by name");
  // A machine whose file has no more names is as good as any other.
  if (const std::string name = NameOfTheHostsFile(); !name.empty()) {
    EXPECT_EQ(fetch.Get(web.Url(name, "/")), "200 text/html 7 bytes: by name") << name;
    EXPECT_EQ(web.requests().back().headers.at("host"), absl::StrFormat("%s:%d", name, web.port()));
  }
  // Whether it has a name server or not.
  EXPECT_THAT(
      fetch.Get({.url = "http://nothing.invalid/", .patience = {.connect = absl::Seconds(5)}}),
      ::testing::AnyOf("NOT_FOUND: http://nothing.invalid/: name not found",
                       "DEADLINE_EXCEEDED: http://nothing.invalid/: no connection within 5 s"));
  EXPECT_EQ(RefusedCalls(server), "");
}

// Each loopback address is a site, and so is each name that is led there.
HOST_TEST(FetchRules, LeadNamesToOtherAddresses) {
  LoopbackServer a;
  LoopbackServer b({.address = "127.0.0.2"});
  a.Serve("/", Of("text/html", "of a"));
  b.Serve("/", Of("text/html", "of b"));
  a.Serve("/to-b", RedirectTo(b.Url("b.test", "/")));
  FetchTest fetch(server, kSites);
  EXPECT_EQ(fetch.Get(a.Url("a.test", "/")), "200 text/html 4 bytes: of a");
  EXPECT_EQ(fetch.Get(b.Url("b.test", "/")), "200 text/html 4 bytes: of b");
  EXPECT_EQ(fetch.Take({.url = a.Url("a.test", "/to-b")}).final_url, b.Url("b.test", "/"));
  EXPECT_EQ(b.requests().back().headers.at("host"), absl::StrFormat("b.test:%d", b.port()));
}

}  // namespace
}  // namespace browser_host

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = browser_host::FetchHostSetup(browser_host::kSites);
  if (test == "FetchRules.ObeyNoProxyOfTheEnvironment") {
    setup.before_start = [] {
      for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"}) {
        setenv(name, "http://127.0.0.1:1", 1);
      }
    };
  }
  return setup;
}
}  // namespace forkserver
