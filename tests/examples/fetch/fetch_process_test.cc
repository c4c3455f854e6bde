// The socket process, in its sandbox, and servers on the loopback.
#include "tests/examples/fetch/fetch_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "child/process/child_process.h"
#include "child/sandbox/sandbox_report.h"
#include "examples/browser_host/fetch/socket_messages.h"
#include "tests/examples/fetch/loopback_server.h"

namespace browser_host {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string RefusedCalls(const forkserver::ForkServer& server) {
  std::string all;
  for (const auto& refused : server.refused_calls()) all += ToString(refused) + "\n";
  return all;
}

Page Html(std::string body) {
  return {.headers = {{"Content-Type", "text/html; charset=UTF-8"}}, .body = std::move(body)};
}

HOST_TEST(FetchProcess, HasAPageUnderItsPolicy) {
  LoopbackServer web;
  web.Serve("/", Html("<p>hello"));
  FetchTest fetch(server);
  EXPECT_EQ(fetch.Get(web.Url("/")), "200 text/html 8 bytes: <p>hello");
  ASSERT_NE(fetch.service().process()->sandbox, nullptr);
  EXPECT_EQ(fetch.service().process()->sandbox->policy, forkserver::SandboxPolicyId::kSocket);
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(FetchProcess, IsWarmedUpInItsTemplate) {
  FetchTest fetch(server);
  LoopbackServer web;
  fetch.Get(web.Url("/"));
  const auto status = forkserver::testing::StatusOf(server, "socket");
  ASSERT_EQ(status.hello.warm_ups.size(), 1u);
  EXPECT_EQ(status.hello.warm_ups[0].name, "libcurl");
  EXPECT_EQ(status.hello.warm_ups[0].error, "");
  EXPECT_EQ(status.hello.warm_ups[0].descriptors, 0);
  EXPECT_EQ(fetch.Threads(), 1u);
}

bool HasLibcurl(const std::string& process) {
  std::ifstream maps("/proc/" + process + "/maps");
  const std::string all((std::istreambuf_iterator<char>(maps)), {});
  EXPECT_THAT(all, HasSubstr("libc.so.6"));
  return all.find("/libcurl.so.4") != std::string::npos;
}

HOST_TEST(FetchProcess, HasLibrariesThatItsProgramHasNot) {
  FetchTest fetch(server);
  LoopbackServer web;
  fetch.Get(web.Url("/"));
  EXPECT_TRUE(HasLibcurl(std::to_string(fetch.pid())));
  EXPECT_FALSE(HasLibcurl("self"));
  EXPECT_FALSE(HasLibcurl(std::to_string(*server.root_pid())));
}

HOST_TEST(FetchProcess, ThatDiesIsToldToAllThatWaitAndTheNextFetchHasAnother) {
  LoopbackServer web;
  web.Serve("/", Html("<p>hello"));
  web.Serve("/silent", Silent());
  FetchTest fetch(server);
  fetch.Get(web.Url("/"));
  const pid_t first = fetch.pid();
  std::vector<const std::string*> all;
  // Some are sent, and some wait in the parent.
  for (size_t i = 0; i < kMostSentFetches + 50; ++i) {
    all.push_back(&fetch.Begin({.url = web.Url("/silent")}));
  }
  ASSERT_TRUE(forkserver::testing::SignalProcess(first, SIGKILL).ok());
  for (const std::string* one : all) {
    EXPECT_THAT(fetch.Wait(*one), StartsWith("UNAVAILABLE: " + web.Url("/silent") + ": "));
  }
  fetch.Until([&] { return fetch.service().ends() == 1; });
  EXPECT_EQ(fetch.Get(web.Url("/")), "200 text/html 8 bytes: <p>hello");
  EXPECT_NE(fetch.pid(), first);
}

HOST_TEST(FetchProcess, GivenUpIsAnErrorOfEachFetch) {
  LoopbackServer web;
  web.Serve("/", Html("<p>hello"));
  FetchTest fetch(server);
  for (int i = 0; i < FetchService::kMostEnds; ++i) {
    EXPECT_EQ(fetch.Get(web.Url("/")), "200 text/html 8 bytes: <p>hello");
    ASSERT_TRUE(forkserver::testing::SignalProcess(fetch.pid(), SIGKILL).ok());
    fetch.Until([&] { return fetch.service().ends() == i + 1; });
  }
  EXPECT_EQ(fetch.Get(web.Url("/")),
            "UNAVAILABLE: " + web.Url("/") + ": socket: gave up after 3 ends: killed by SIGKILL");
}

// Which warms up by itself, in its sandbox.
HOST_TEST(FetchProcess, FetchesWhereItIsExeced) {
  LoopbackServer web;
  web.Serve("/", Html("<p>hello"));
  FetchTest fetch(server, {}, {}, "pref(\"dom.ipc.forkserver.enable\", false);");
  EXPECT_EQ(fetch.Get(web.Url("/")), "200 text/html 8 bytes: <p>hello");
  EXPECT_EQ(fetch.service().process()->by, forkserver::LaunchedBy::kExec);
  EXPECT_EQ(fetch.service().process()->sandbox->policy, forkserver::SandboxPolicyId::kSocket);
  // It has the system's certificates: one of nobody's is told from none at all.
  LoopbackServer secure({.identity = SelfSigned()});
  EXPECT_EQ(fetch.Get(secure.Url("/")),
            "PERMISSION_DENIED: " + secure.Url("/") + ": certificate: self-signed certificate");
}

// Destroyed with fetches under way: nobody is called, nothing is left.
HOST_TEST(FetchProcess, DestroyedServiceCallsNobody) {
  LoopbackServer web;
  web.Serve("/silent", Silent());
  size_t called = 0;
  {
    FetchTest fetch(server);
    for (int i = 0; i < 300; ++i) {
      Fetch(fetch.service(), {.url = web.Url("/silent")},
            [&](absl::StatusOr<Fetched>) { ++called; });
    }
    fetch.Until([&] { return fetch.service().process() != nullptr; });
  }
  EXPECT_EQ(called, 0u);
}

// What an attacker would do who has taken it over: a thread of the test in it would be no more.
class TakenOver : public forkserver::ChildProcess<TakenOver, SocketProtocol> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
  absl::Status Receive(FetchResource& message, forkserver::Resolver<ResourceFetched> resolver) {
    const std::string_view what = message.url.view().substr(message.url.view().rfind('/') + 1);
    ResourceFetched reply = {.final_url = message.url, .http_status = 200};
    const auto memfd = [&](size_t size, int seals) {
      forkserver::UniqueFd fd(memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
      if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) abort();
      if (fcntl(fd.get(), F_ADD_SEALS, seals) != 0) abort();
      reply.body_size = size;
      return fd;
    };
    constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    reply.body.fd = memfd(10, kSeals);
    if (what == "unsealed") reply.body.fd = memfd(10, F_SEAL_SHRINK | F_SEAL_GROW);
    if (what == "large") reply.body.fd = memfd((size_t{16} << 20) + 1, kSeals);
    if (what == "size") reply.body_size = 11;
    if (what == "pipe") {
      int ends[2];
      if (pipe2(ends, O_CLOEXEC) != 0) abort();
      reply.body.fd = forkserver::UniqueFd(ends[0]);
      close(ends[1]);
    }
    if (what == "file-url") reply.final_url = "file:///etc/passwd";
    if (what == "other-form") reply.final_url = "http://A.test";
    if (what == "status") reply.http_status = 7;
    if (what == "type") reply.content_type = "text/html\n";
    if (what == "upper") reply.charset = "UTF-8";
    if (what == "files") reply.content_type = Opened();
    if (what == "words") {
      resolver.Reject(absl::AbortedError("two\nlines"));
      return absl::OkStatus();
    }
    if (what == "silent") {
      silent_.push_back(std::move(resolver));
      return absl::OkStatus();
    }
    return resolver.Resolve(reply);
  }
  absl::Status Receive(StopFetch&) { return absl::OkStatus(); }

 private:
  // What it can open, to read and to write, and the programs that it can run.
  static std::string Opened() {
    std::string opened = "opened:";
    for (const char* path :
         {"/etc/passwd", "/etc/shadow", "/root", "/home", "/proc/1/environ", "/tmp",
          "/etc/ssl/private", "/etc/hosts", "/bin/sh", "/etc/ssl/certs/ca-certificates.crt"}) {
      if (forkserver::UniqueFd(open(path, O_RDONLY | O_CLOEXEC)).is_open()) {
        opened += path;
        opened += ";";
      }
      if (forkserver::UniqueFd(open(path, O_WRONLY | O_CLOEXEC)).is_open()) opened += "written;";
    }
    if (forkserver::UniqueFd(open("/tmp/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)).is_open()) {
      opened += "created;";
    }
    return opened;
  }

  std::vector<forkserver::Resolver<ResourceFetched>> silent_;
};

HOST_TEST(TakenOver, OpensNoFileBesideThoseThatNamesAndCertificatesAreIn) {
  FetchTest fetch(server);
  EXPECT_EQ(fetch.Get("http://a.test/files"),
            "200 opened:/etc/hosts;/etc/ssl/certs/ca-certificates.crt; 10 bytes: " +
                std::string(10, '\0'));
}

HOST_TEST(TakenOver, BreaksTheFormOnceAndIsKilledForIt) {
  std::string log;
  const struct {
    std::string what;
    std::string why;
  } kBreaches[] = {
      {"unsealed", "a body without its seals"},
      {"large", "a body of 16777217 bytes, which are said to be 16777217"},
      {"size", "a body of 10 bytes, which are said to be 11"},
      {"pipe", "fcntl F_GET_SEALS of a body: EINVAL"},
      {"file-url", "a final URL that is none of http or https"},
      {"other-form", "a final URL that is none of http or https"},
      {"status", "status 7"},
      {"type", "a content type that is none"},
      {"upper", "a content type that is none"},
  };
  for (const auto& breach : kBreaches) {
    FetchTest fetch(server, {}, [&](std::string_view line) { log = line; });
    EXPECT_THAT(fetch.Get("http://a.test/fine"), StartsWith("200  10 bytes"));
    const std::string url = "http://a.test/" + breach.what;
    EXPECT_EQ(fetch.Get(url), "INTERNAL: " + url + ": FetchResource: " + breach.why);
    fetch.Until([&] { return fetch.service().ends() == 1; });
    EXPECT_THAT(log, HasSubstr("killed, for FetchResource: " + breach.why));
    EXPECT_THAT(fetch.Get("http://a.test/fine"), StartsWith("200  10 bytes"));
  }
}

// Its own deadline is over, and so is what a busy machine needs beyond it.
HOST_TEST(TakenOver, SaysNothingAndIsKilledForIt) {
  std::string log;
  FetchTest fetch(server, {}, [&](std::string_view line) { log = line; });
  EXPECT_THAT(fetch.Get("http://a.test/fine"), StartsWith("200  10 bytes"));
  const std::string& other = fetch.Begin({.url = "http://a.test/silent"});
  EXPECT_EQ(
      fetch.Get({.url = "http://a.test/silent", .patience = {.whole = absl::Milliseconds(100)}}),
      "DEADLINE_EXCEEDED: http://a.test/silent: no word of the socket process");
  EXPECT_THAT(fetch.Wait(other), StartsWith("UNAVAILABLE: http://a.test/silent: "));
  EXPECT_THAT(log, HasSubstr("killed, for no word of the socket process"));
}

HOST_TEST(TakenOver, SaysItsErrorsInOneLine) {
  FetchTest fetch(server);
  EXPECT_EQ(fetch.Get("http://a.test/words"), "ABORTED: http://a.test/words: two\\x0alines");
}

}  // namespace
}  // namespace browser_host

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = browser_host::FetchHostSetup();
  setup.body_starts_broker = test == "FetchProcess.FetchesWhereItIsExeced";
  if (test.starts_with("TakenOver.")) {
    setup.options.programs[0].make = MakeChildProgram<browser_host::TakenOver>;
  }
  return setup;
}
}  // namespace forkserver
