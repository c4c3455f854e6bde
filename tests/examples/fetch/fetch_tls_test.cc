// https: whose certificates are believed, and what is asked of a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/examples/fetch/certificates.h"
#include "tests/examples/fetch/fetch_process.h"
#include "tests/examples/fetch/loopback_server.h"

namespace browser_host {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr long kDay = 86'400;

// Its file is written by the body, before the template reads it.
FetchSetup SetupOf(const std::string& test) {
  return {.ca_files = {TestCaFile(test)}, .connect_to = {"a.test::127.0.0.1:"}};
}

class TlsTest {
 public:
  TlsTest(forkserver::ForkServer& server, const std::string& test, std::string_view prefs = {})
      : file_(TestCaFile(test)), fetch_(MakeFetch(server, test, prefs)) {}
  ~TlsTest() { unlink(file_.c_str()); }

  FetchTest& fetch() { return *fetch_; }
  const TestAuthority& authority() const { return authority_; }
  // Of a server that has this one.
  std::string GetFrom(ServerIdentity identity, const std::string& host = "127.0.0.1") {
    LoopbackServer web({.identity = std::move(identity)});
    web.Serve("/", Page{.body = "over TLS"});
    const std::string url = web.Url(host, "/");
    std::string said = fetch().Get(url);
    const size_t at = said.find(url);
    // Behind the URL, whose port is another one each time.
    return at == std::string::npos ? said : said.substr(0, at) + said.substr(at + url.size() + 2);
  }

 private:
  std::unique_ptr<FetchTest> MakeFetch(forkserver::ForkServer& server, const std::string& test,
                                       std::string_view prefs) {
    std::ofstream(file_) << authority_.pem();
    return std::make_unique<FetchTest>(
        server, SetupOf(test), [](std::string_view line) { ADD_FAILURE() << line; }, prefs);
  }

  const TestAuthority authority_;
  const std::string file_;
  std::unique_ptr<FetchTest> fetch_;
};

constexpr char kFine[] = "200  8 bytes: over TLS";

HOST_TEST(FetchTls, BelievesTheAuthoritiesOfItsFilesAndNoOthers) {
  TlsTest tls(server, "FetchTls.BelievesTheAuthoritiesOfItsFilesAndNoOthers");
  const TestAuthority& authority = tls.authority();
  EXPECT_EQ(tls.GetFrom(authority.Issue()), kFine);
  EXPECT_EQ(tls.GetFrom(authority.Issue({.names = "DNS:a.test"}), "a.test"), kFine);
  EXPECT_EQ(tls.GetFrom(authority.Issue({.names = "DNS:a.test"})),
            "PERMISSION_DENIED: certificate: not for this host");
  EXPECT_EQ(tls.GetFrom(authority.Issue({.names = "DNS:b.test"}), "a.test"),
            "PERMISSION_DENIED: certificate: not for this host");
  EXPECT_EQ(tls.GetFrom(authority.Issue({.valid_from = -2 * kDay, .valid_until = -kDay})),
            "PERMISSION_DENIED: certificate: certificate has expired");
  EXPECT_EQ(tls.GetFrom(authority.Issue({.valid_from = kDay, .valid_until = 2 * kDay})),
            "PERMISSION_DENIED: certificate: certificate is not yet valid");
  EXPECT_EQ(tls.GetFrom(SelfSigned()), "PERMISSION_DENIED: certificate: self-signed certificate");
  EXPECT_EQ(tls.GetFrom(TestAuthority("another one").Issue()),
            "PERMISSION_DENIED: certificate: unable to get local issuer certificate");
  // Forged: the right names, and another key.
  EXPECT_THAT(tls.GetFrom(TestAuthority().Issue()), StartsWith("ABORTED: TLS: "));
  EXPECT_EQ(tls.GetFrom(authority.Issue()), kFine);
  for (const auto& refused : server.refused_calls()) ADD_FAILURE() << ToString(refused);
}

HOST_TEST(FetchTls, KeepsItsConnectionAndItsAnswersApart) {
  TlsTest tls(server, "FetchTls.KeepsItsConnectionAndItsAnswersApart");
  LoopbackServer web({.identity = tls.authority().Issue()});
  for (int i = 0; i < 50; ++i) {
    web.Serve("/" + std::to_string(i), Page{.body = "number " + std::to_string(i)});
  }
  std::vector<const std::string*> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(&tls.fetch().Begin({.url = web.Url("/" + std::to_string(i))}));
  }
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_THAT(tls.fetch().Wait(*all[i]), HasSubstr(absl::StrFormat(": number %d", i)));
  }
  EXPECT_LE(web.connections(), 6u);
}

HOST_TEST(FetchTls, SpeaksHttp2WhereItIsOffered) {
  TlsTest tls(server, "FetchTls.SpeaksHttp2WhereItIsOffered");
  LoopbackServer web({.identity = tls.authority().Issue(), .http2 = true});
  EXPECT_EQ(tls.fetch().Get(web.Url("/")), "200 text/html 12 bytes: <p>by HTTP/2");
  EXPECT_EQ(tls.fetch().Get(web.Url("/")), "200 text/html 12 bytes: <p>by HTTP/2");
  ASSERT_EQ(web.requests().size(), 2u);
  EXPECT_EQ(web.requests()[1].target, "stream 3");
  EXPECT_EQ(web.connections(), 1u);
}

HOST_TEST(FetchTls, LetsADocumentBeLedToHttpAndNothingElse) {
  TlsTest tls(server, "FetchTls.LetsADocumentBeLedToHttpAndNothingElse");
  LoopbackServer plain;
  const std::string png("\x89PNG\r\n\x1a\n....", 12);
  plain.Serve("/", Page{.body = png});
  LoopbackServer web({.identity = tls.authority().Issue()});
  web.Serve("/down", RedirectTo(plain.Url("/")));
  web.Serve("/there", Page{.body = png});
  plain.Serve("/up", RedirectTo(web.Url("/there")));
  EXPECT_EQ(tls.fetch().Take({.url = web.Url("/down")}).final_url, plain.Url("/"));
  for (const FetchFor what : {FetchFor::kImage, FetchFor::kStyleSheet}) {
    EXPECT_EQ(tls.fetch().Get(web.Url("/down"), what),
              absl::StrFormat("PERMISSION_DENIED: %s: redirected to %s: from https to http",
                              web.Url("/down"), plain.Url("/")));
  }
  EXPECT_EQ(tls.fetch().Take({.url = plain.Url("/up"), .what = FetchFor::kImage}).final_url,
            web.Url("/there"));
}

// Plain HTTP where TLS should be, and the other way round.
HOST_TEST(FetchTls, IsNotTakenForWhatItIsNot) {
  TlsTest tls(server, "FetchTls.IsNotTakenForWhatItIsNot");
  LoopbackServer plain;
  LoopbackServer web({.identity = tls.authority().Issue()});
  const std::string url = absl::StrFormat("https://127.0.0.1:%d/", plain.port());
  EXPECT_EQ(tls.fetch().Get({.url = url, .patience = {.connect = absl::Milliseconds(300)}}),
            "DEADLINE_EXCEEDED: " + url + ": no connection within 300 ms");
  const std::string other = absl::StrFormat("http://127.0.0.1:%d/", web.port());
  EXPECT_THAT(tls.fetch().Get(other), StartsWith("ABORTED: " + other + ": "));
  plain.AnswerRaw([](HttpConnection& connection) {
    connection.Read();
    connection.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.Close();
  });
  EXPECT_THAT(tls.fetch().Get(url), StartsWith("ABORTED: " + url + ": TLS: "));
}

// It has no template: in its sandbox it reads its authorities itself.
HOST_TEST(FetchTls, FetchesWhereItIsExeced) {
  TlsTest tls(server, "FetchTls.FetchesWhereItIsExeced",
              "pref(\"dom.ipc.forkserver.enable\", false);");
  EXPECT_EQ(tls.GetFrom(tls.authority().Issue()), kFine);
  EXPECT_EQ(tls.fetch().service().process()->by, forkserver::LaunchedBy::kExec);
  EXPECT_EQ(tls.fetch().service().process()->sandbox->policy, forkserver::SandboxPolicyId::kSocket);
  EXPECT_THAT(tls.GetFrom(SelfSigned()), HasSubstr("self-signed certificate"));
}

// Not where the environment would have them.
HOST_TEST(FetchTls, WritesTheKeysOfItsConnectionsNowhere) {
  TlsTest tls(server, "FetchTls.WritesTheKeysOfItsConnectionsNowhere");
  const char* const keys = getenv("SSLKEYLOGFILE");
  ASSERT_NE(keys, nullptr);
  unlink(keys);
  EXPECT_EQ(tls.GetFrom(tls.authority().Issue()), kFine);
  EXPECT_NE(access(keys, F_OK), 0);
  EXPECT_EQ(forkserver::testing::StatusOf(server, "socket").hello.warm_ups[0].descriptors, 0);
}

// Without its CA file it says so, for https: only.
HOST_TEST(FetchTls, WithoutItsCertificatesIsAnErrorOfEachFetchThatWantsThem) {
  FetchTest fetch(server, SetupOf("FetchTls.WithoutItsCertificates"));
  LoopbackServer plain;
  plain.Serve("/", Page{.body = "plain"});
  EXPECT_EQ(fetch.Get(plain.Url("/")), "200  5 bytes: plain");
  EXPECT_EQ(fetch.Get("https://a.test/"),
            "PERMISSION_DENIED: https://a.test/: certificate: CA file " +
                TestCaFile("FetchTls.WithoutItsCertificates") + ": ENOENT");
}

}  // namespace
}  // namespace browser_host

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string& test) {
  const std::string missing = "FetchTls.WithoutItsCertificates";
  HostSetup setup = browser_host::FetchHostSetup(
      browser_host::SetupOf(test.starts_with(missing) ? missing : test));
  setup.body_starts_broker = test == "FetchTls.FetchesWhereItIsExeced";
  if (test == "FetchTls.WritesTheKeysOfItsConnectionsNowhere") {
    setup.before_start = [] {
      setenv("SSLKEYLOGFILE", browser_host::TestCaFile("keys").c_str(), 1);
    };
  }
  return setup;
}
}  // namespace forkserver
