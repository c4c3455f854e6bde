// The socket process, in its sandbox, and servers on the loopback.
#include "tests/examples/fetch/fetch_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "child/sandbox/sandbox_report.h"
#include "tests/examples/fetch/loopback_server.h"

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string&) { return browser_host::FetchHostSetup(); }
}  // namespace forkserver

namespace browser_host {
namespace {

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

}  // namespace
}  // namespace browser_host
