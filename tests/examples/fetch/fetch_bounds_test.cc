// What servers can do to the socket process: nothing that outlives its deadline or its bound, and
// nothing to the next fetch.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/examples/fetch/fetch_process.h"
#include "tests/examples/fetch/loopback_server.h"
#include "transceiver/clock.h"

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string&) { return browser_host::FetchHostSetup(); }
}  // namespace forkserver

namespace browser_host {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const FetchPatience kImpatient = {.connect = absl::Milliseconds(400),
                                  .silence = absl::Milliseconds(300),
                                  .whole = absl::Seconds(20)};
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";

std::string Ok(std::string_view more) { return std::string(kOk) + std::string(more); }

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string Of(size_t size) { return std::string(size, 'x'); }

struct Misconduct {
  std::string path;
  Handler handler;
  std::string said;
};

std::vector<Misconduct> AllMisconduct() {
  const std::string too_large = absl::StrFormat("more than %d bytes", 16 << 20);
  return {
      {"/silent", Silent(), "DEADLINE_EXCEEDED: no answer within 300 ms"},
      {"/silent-in-headers", RawThenSilent(std::string(kOk)),
       "DEADLINE_EXCEEDED: fewer than 100 bytes within 300 ms"},
      {"/silent-in-body", RawThenSilent(Ok("Content-Length: 100\r\n\r\nhalf of it")),
       "DEADLINE_EXCEEDED: fewer than 100 bytes within 300 ms"},
      {"/drips", Drip(Ok("\r\n"), "x", absl::Milliseconds(20)),
       "DEADLINE_EXCEEDED: fewer than 100 bytes within 300 ms"},
      {"/drips-headers", Drip(std::string(kOk), "X", absl::Milliseconds(20)),
       "DEADLINE_EXCEEDED: fewer than 100 bytes within 300 ms"},
      {"/closes-at-once", Raw(""), "ABORTED: closed without an answer"},
      {"/closes-in-body", Raw(Ok("Content-Length: 100\r\n\r\nhalf of it")),
       "ABORTED: closed in the middle of its body"},
      {"/closes-in-chunk", Raw(Ok("Transfer-Encoding: chunked\r\n\r\n10\r\nhalf")),
       "ABORTED: closed in the middle of its body"},
      {"/large", Raw(Ok(absl::StrFormat("Content-Length: %d\r\n\r\n", (16 << 20) + 1))),
       "RESOURCE_EXHAUSTED: " + too_large},
      {"/very-large", Raw(Ok("Content-Length: 9223372036854775807\r\n\r\n")),
       "RESOURCE_EXHAUSTED: " + too_large},
      {"/endless", Endless(Ok("\r\n"), Of(65'536)), "RESOURCE_EXHAUSTED: " + too_large},
      {"/endless-chunks",
       Endless(Ok("Transfer-Encoding: chunked\r\n\r\n"), "8000\r\n" + Of(0x8000) + "\r\n"),
       "RESOURCE_EXHAUSTED: " + too_large},
      {"/endless-redirect", Endless("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", Of(65'536)),
       "RESOURCE_EXHAUSTED: " + too_large},
      {"/bomb", GzipBomb(size_t{256} << 20), "RESOURCE_EXHAUSTED: " + too_large},
      {"/endless-headers", Endless(std::string(kOk), "X-More: " + Of(1000) + "\r\n"),
       "RESOURCE_EXHAUSTED: more than 65536 bytes of headers"},
      {"/many-headers", Endless(std::string(kOk), "X: y\r\n"),
       "RESOURCE_EXHAUSTED: more than 300 lines of headers"},
      {"/endless-continue", Endless("", "HTTP/1.1 100 Continue\r\n\r\n"),
       "RESOURCE_EXHAUSTED: more than 300 lines of headers"},
      {"/endless-header", Endless(std::string(kOk) + "X-Long: ", Of(10'000)),
       "RESOURCE_EXHAUSTED: "},
      {"/garbage", Raw("\x16\x03\x01 garbage\r\n\r\n"), "DATA_LOSS: no HTTP answer"},
      {"/zeros", Raw(std::string(5000, '\0')), "DATA_LOSS: no HTTP answer"},
      {"/no-gzip", Raw(Ok("Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nplain")),
       "DATA_LOSS: packed in a way that is broken or unknown"},
      {"/unknown-packing", Raw(Ok("Content-Encoding: rot13\r\nContent-Length: 4\r\n\r\ncyna")),
       "DATA_LOSS: packed in a way that is broken or unknown"},
      {"/packed-deep", Raw(Ok("Content-Encoding: " + Repeated("gzip, ", 100) + "gzip\r\n\r\n")),
       "DATA_LOSS: "},
      {"/negative-length", Raw(Ok("Content-Length: -3\r\n\r\nabcd")), "DATA_LOSS: no HTTP answer"},
      {"/bad-chunk", Raw(Ok("Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")),
       "ABORTED: Illegal or missing hexadecimal"},
      {"/loop", RedirectTo("/loop"), "RESOURCE_EXHAUSTED: "},
  };
}

HOST_TEST(FetchBounds, EndWhatEachMisconductBegins) {
  LoopbackServer web;
  web.Serve("/", Page{.body = "fine"});
  FetchTest fetch(server);
  EXPECT_EQ(fetch.Get(web.Url("/")), "200  4 bytes: fine");
  const pid_t pid = fetch.pid();
  const size_t descriptors = fetch.Descriptors();
  for (const Misconduct& one : AllMisconduct()) {
    web.Serve(one.path, one.handler);
    const std::string url = web.Url(one.path);
    const int64_t before = forkserver::NowNanos();
    const std::string said = fetch.Get({.url = url, .patience = kImpatient});
    EXPECT_LT(forkserver::NowNanos() - before, 10 * forkserver::kNanosPerSecond) << one.path;
    const size_t colon = one.said.find(": ") + 2;
    EXPECT_THAT(said, StartsWith(one.said.substr(0, colon) + url + ": ")) << one.path;
    EXPECT_THAT(said, HasSubstr(": " + one.said.substr(colon))) << one.path;
  }
  EXPECT_EQ(fetch.Get(web.Url("/")), "200  4 bytes: fine");
  EXPECT_EQ(fetch.pid(), pid);
  EXPECT_EQ(fetch.service().ends(), 0);
  // A request that is answered behind the last one's end: by then it has closed what that had.
  EXPECT_EQ(fetch.Descriptors(), descriptors);
  EXPECT_EQ(fetch.Threads(), 1u);
}

HOST_TEST(FetchBounds, EndASteadyDripAtTheDeadlineOfTheWhole) {
  LoopbackServer web;
  web.Serve("/", Drip(Ok("\r\n"), Of(200), absl::Milliseconds(10)));
  FetchTest fetch(server);
  FetchPatience patience = kImpatient;
  patience.whole = absl::Milliseconds(1500);
  EXPECT_THAT(fetch.Get({.url = web.Url("/"), .patience = patience}),
              EndsWith("/: not all of it within 1.5 s"));
}

HOST_TEST(FetchBounds, AreOfTheKindAndOfWhatIsUnpacked) {
  LoopbackServer web;
  const size_t most = MaxBodyBytes(FetchFor::kStyleSheet);
  for (const size_t size : {most, most + 1}) {
    web.Serve("/" + std::to_string(size),
              Page{.headers = {{"Content-Type", "text/css"}}, .body = Of(size)});
  }
  web.Serve("/packed", GzipBomb(size_t{16} << 20));
  FetchTest fetch(server);
  EXPECT_THAT(fetch.Get(web.Url("/4194304"), FetchFor::kStyleSheet),
              StartsWith("200 text/css 4194304 bytes"));
  EXPECT_THAT(fetch.Get(web.Url("/4194305"), FetchFor::kStyleSheet),
              EndsWith("more than 4194304 bytes"));
  EXPECT_THAT(fetch.Get(web.Url("/4194305")), StartsWith("200 text/css 4194305 bytes"));
  EXPECT_THAT(fetch.Get(web.Url("/packed")), StartsWith("200 text/html 16777216 bytes"));
}

// A port that nobody listens on.
uint16_t FreePort() {
  const forkserver::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

HOST_TEST(FetchBounds, ErrorsNameTheUrlAndWhatFailed) {
  FetchTest fetch(server);
  const std::string refused = absl::StrFormat("http://127.0.0.1:%d/a?b", FreePort());
  EXPECT_EQ(fetch.Get(refused), "ABORTED: " + refused + ": connection refused");
  // It says nothing, as a server of TLS.
  LoopbackServer plain;
  const std::string silent = absl::StrFormat("https://127.0.0.1:%d/", plain.port());
  EXPECT_EQ(fetch.Get({.url = silent, .patience = kImpatient}),
            "DEADLINE_EXCEEDED: " + silent + ": no connection within 400 ms");
  LoopbackServer web;
  web.Serve("/there", RedirectTo(refused));
  EXPECT_EQ(fetch.Get(web.Url("/there")),
            "ABORTED: " + web.Url("/there") + ": " + refused + ": connection refused");
  for (const char* url : {"ftp://127.0.0.1/", "file:///etc/passwd", "about:config", "", "http:///",
                          "nonsense", "http://a b/"}) {
    EXPECT_EQ(fetch.Get(url),
              absl::StrFormat("INVALID_ARGUMENT: %s: no URL of http or https", url));
  }
  const std::string long_url = "http://127.0.0.1/" + Of(40'000);
  EXPECT_EQ(fetch.Get(long_url),
            "INVALID_ARGUMENT: " + long_url.substr(0, 200) + "...: a URL of more than 32768 bytes");
}

HOST_TEST(FetchBounds, KeepToSixConnectionsOfAHostAndServeAllInTurn) {
  LoopbackServer web;
  Gate gate;
  web.Serve("/", [&](const HttpRequest&, HttpConnection& connection) {
    gate.Wait();
    connection.Write(ToHttp({.body = "in turn"}));
  });
  FetchTest fetch(server);
  std::vector<const std::string*> all;
  for (int i = 0; i < 100; ++i) all.push_back(&fetch.Begin({.url = web.Url("/")}));
  fetch.Until([&] { return fetch.service().process() != nullptr; });
  EXPECT_EQ(gate.AwaitCallers(kMostConnectionsPerHost), size_t{kMostConnectionsPerHost});
  gate.Open();
  const int64_t before = forkserver::NowNanos();
  for (const std::string* one : all) EXPECT_EQ(fetch.Wait(*one), "200  7 bytes: in turn");
  // Each that ends is followed by the next, not when something else happens.
  EXPECT_LT(forkserver::NowNanos() - before, 5 * forkserver::kNanosPerSecond);
  EXPECT_EQ(web.most_connections(), 6u);
  EXPECT_EQ(web.requests().size(), 100u);
}

// A silent host has its share of the places, and no more.
HOST_TEST(FetchBounds, OneHostLeavesPlacesForOthers) {
  LoopbackServer silent;
  silent.Serve("/", Silent());
  LoopbackServer other({.address = "127.0.0.2"});
  other.Serve("/", Page{.body = "at once"});
  FetchTest fetch(server);
  for (int i = 0; i < 200; ++i) fetch.Begin({.url = silent.Url("/")});
  EXPECT_EQ(fetch.Get(other.Url("/")), "200  7 bytes: at once");
}

HOST_TEST(FetchBounds, MoreThanMayWaitAreRefused) {
  LoopbackServer silent;
  silent.Serve("/", Silent());
  FetchTest fetch(server);
  std::vector<const std::string*> all;
  for (size_t i = 0; i < kMostKeptFetches; ++i) {
    all.push_back(&fetch.Begin({.url = silent.Url("/")}));
  }
  EXPECT_EQ(fetch.Get(silent.Url("/")),
            "RESOURCE_EXHAUSTED: " + silent.Url("/") + ": too many fetches: 8192");
  for (const std::string* one : all) EXPECT_EQ(*one, "");
}

// More than its actor takes unanswered, and than its socket takes at a time.
HOST_TEST(FetchBounds, LetAPageHaveThousandsOfResources) {
  LoopbackServer web;
  web.Serve("/", Page{.body = "one of many"});
  FetchTest fetch(server);
  std::vector<const std::string*> all;
  for (int i = 0; i < 3000; ++i) all.push_back(&fetch.Begin({.url = web.Url("/")}));
  for (const std::string* one : all) EXPECT_EQ(fetch.Wait(*one), "200  11 bytes: one of many");
}

HOST_TEST(FetchBounds, WhatHasNoPlaceInTimeIsTold) {
  LoopbackServer silent;
  silent.Serve("/", Silent());
  FetchTest fetch(server);
  for (size_t i = 0; i < kMostSentFetches; ++i) fetch.Begin({.url = silent.Url("/")});
  const FetchPatience patience = {.whole = absl::Milliseconds(300)};
  EXPECT_EQ(fetch.Get({.url = silent.Url("/"), .patience = patience}),
            "DEADLINE_EXCEEDED: " + silent.Url("/") + ": no place for it in time");
}

HOST_TEST(FetchBounds, WhatIsCancelledLeavesItsPlaceAndIsAnsweredOnce) {
  LoopbackServer silent;
  Gate gate;
  silent.Serve("/", [&](const HttpRequest&, HttpConnection& connection) {
    gate.Wait();
    connection.WaitForClient();
  });
  silent.Serve("/next", Page{.body = "next"});
  FetchTest fetch(server);
  std::vector<FetchId> ids;
  // More than an actor handles unanswered: a cancel is not behind them.
  std::vector<std::string> said(1500);
  for (std::string& one : said) {
    ids.push_back(Fetch(fetch.service(), {.url = silent.Url("/")},
                        [&one](absl::StatusOr<Fetched> fetched) { one += Said(fetched); }));
  }
  const std::string& next = fetch.Begin({.url = silent.Url("/next")});
  gate.Open();
  for (const FetchId id : ids) CancelFetch(fetch.service(), id);
  EXPECT_EQ(fetch.Wait(next), "200  4 bytes: next");
  for (const std::string& one : said) {
    EXPECT_EQ(fetch.Wait(one), "CANCELLED: " + silent.Url("/") + ": cancelled");
  }
  CancelFetch(fetch.service(), ids[0]);
  CancelFetch(fetch.service(), 0);
  EXPECT_EQ(fetch.Get(silent.Url("/next")), "200  4 bytes: next");
}

}  // namespace
}  // namespace browser_host
