// A host with a socket process, for tests of it and for what measures it.
//
//     HostSetup testing::SetUpHost(const std::string&) { return FetchHostSetup(); }
//     HOST_TEST(Fetch, HasAPage) {
//       FetchTest fetch(server);
//       EXPECT_EQ(fetch.Get(url), "200 text/html 9 bytes: <p>hello");
#ifndef TESTS_EXAMPLES_FETCH_FETCH_PROCESS_H_
#define TESTS_EXAMPLES_FETCH_FETCH_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/fetch/fetch_service.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/parent_process.h"
#include "tests/testing/host_test.h"
#include "transceiver/event_loop.h"

namespace browser_host {

// Where a test that wants one puts its CA file before its first fetch; not there in others.
std::string TestCaFile(const std::string& test);

forkserver::testing::HostSetup FetchHostSetup(const FetchSetup& setup = {});

// "200 text/html 9 bytes: <p>hello", cut; or the error with its code.
std::string Said(const absl::StatusOr<Fetched>& fetched);
std::string BodyOf(const Fetched& fetched);

class FetchTest {
 public:
  explicit FetchTest(forkserver::ForkServer& server, const FetchSetup& setup = {},
                     std::function<void(std::string_view line)> log = {},
                     std::string_view prefs = {});
  ~FetchTest();

  forkserver::EventLoop& loop() { return *loop_; }
  FetchService& service() { return *service_; }
  forkserver::ParentProcess& parent() { return *parent_; }

  void Until(const std::function<bool()>& done);
  // Begins one; what it said is at the place that is returned, which is empty until then.
  const std::string& Begin(const FetchRequest& request);
  const std::string& Wait(const std::string& said);
  std::string Get(const FetchRequest& request) { return Wait(Begin(request)); }
  std::string Get(const std::string& url, FetchFor what = FetchFor::kDocument) {
    return Get({.url = url, .what = what});
  }
  // The whole of it; an error is a failure of the test.
  Fetched Take(const FetchRequest& request);

  pid_t pid() const { return service_->process()->pid; }
  // What the socket process has open, and its threads.
  size_t Descriptors();
  size_t Threads() const;

 private:
  std::unique_ptr<forkserver::EventLoop> loop_;
  std::unique_ptr<forkserver::ParentProcess> parent_;
  std::unique_ptr<FetchService> service_;
  std::vector<std::unique_ptr<std::string>> said_;
};

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_FETCH_FETCH_PROCESS_H_
