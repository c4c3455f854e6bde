#include "tests/examples/fetch/fetch_process.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_format.h"
#include "examples/browser_host/fetch/socket_child.h"
#include "forkserver/model/process_templates.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/clock.h"

namespace browser_host {

using forkserver::ProcessType;

forkserver::testing::HostSetup FetchHostSetup(const FetchSetup& setup) {
  forkserver::testing::HostSetup host;
  host.options.programs = {SocketProgram()};
  host.options.templates = forkserver::ProcessTemplates(host.options.programs);
  SetUpSocketTemplate(host.options.templates, setup);
  return host;
}

std::string TestCaFile(const std::string& test) {
  const char* const folder = getenv("TEST_TMPDIR");
  // A host under test may have no folder of its own, and the same test may run beside it.
  return absl::StrFormat("%s/%s-%d.pem", folder == nullptr ? "/tmp" : folder, test, getpid());
}

std::string BodyOf(const Fetched& fetched) {
  std::string body(fetched.body_size, 0);
  const ssize_t got = pread(fetched.body.get(), body.data(), body.size(), 0);
  EXPECT_EQ(got, static_cast<ssize_t>(body.size()));
  return body;
}

std::string Said(const absl::StatusOr<Fetched>& fetched) {
  if (!fetched.ok()) return fetched.status().ToString();
  return absl::StrFormat("%d %s %d bytes: %s", fetched->http_status, fetched->content_type,
                         fetched->body_size, BodyOf(*fetched).substr(0, 40));
}

FetchTest::FetchTest(forkserver::ForkServer& server, const FetchSetup& setup,
                     std::function<void(std::string_view line)> log, std::string_view prefs)
    : loop_(*forkserver::EventLoop::Create()),
      parent_(*forkserver::ParentProcess::Create(
          {.server = server,
           .loop = *loop_,
           .log = log ? std::move(log) : [](std::string_view line) { ADD_FAILURE() << line; }})) {
  forkserver::PrefsStore store;
  EXPECT_TRUE(store.LoadText(prefs, "test.js").empty());
  EXPECT_TRUE(parent_->SetPrefs(*store.Publish()).ok());
  service_ = std::make_unique<FetchService>(*parent_, ProcessType::kSocket, MakeSocketHost,
                                            SocketServiceOptions(setup));
}

FetchTest::~FetchTest() {
  service_.reset();
  // Else the server keeps the last generation's descriptor.
  parent_->server().SetPrefs({});
}

void FetchTest::Until(const std::function<bool()>& done) {
  const int64_t deadline = forkserver::NowNanos() + 30 * forkserver::kNanosPerSecond;
  while (!done() && forkserver::NowNanos() < deadline) loop_->Run(deadline);
  EXPECT_TRUE(done());
}

const std::string& FetchTest::Begin(const FetchRequest& request) {
  std::string& said = *said_.emplace_back(std::make_unique<std::string>());
  Fetch(*service_, request, [&said](absl::StatusOr<Fetched> fetched) {
    EXPECT_EQ(said, "") << "a second time";
    said = Said(fetched);
  });
  return said;
}

const std::string& FetchTest::Wait(const std::string& said) {
  Until([&] { return !said.empty(); });
  return said;
}

Fetched FetchTest::Take(const FetchRequest& request) {
  absl::StatusOr<Fetched> taken = absl::UnknownError("");
  bool is_there = false;
  Fetch(*service_, request, [&](absl::StatusOr<Fetched> fetched) {
    taken = std::move(fetched);
    is_there = true;
  });
  Until([&] { return is_there; });
  EXPECT_TRUE(taken.ok()) << taken.status();
  return taken.ok() ? *std::move(taken) : Fetched();
}

namespace {

size_t CountEntries(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

size_t FetchTest::Descriptors() {
  // A body is closed behind its answer. This one has none.
  Get("http://127.0.0.1:1/");
  return CountEntries(absl::StrFormat("/proc/%d/fd", pid()));
}
size_t FetchTest::Threads() const { return CountEntries(absl::StrFormat("/proc/%d/task", pid())); }

}  // namespace browser_host
