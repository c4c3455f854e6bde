// A sampler (bench/sampler.h) of pages that are painted (bench/first_paint.h):
//
//     paint_sampler --exec       whose pages' processes are exec'ed
//     paint_sampler --template   whose pages' processes are forked from a content template
//     paint_sampler --pool       whose pages' processes are preallocated
//
// Its requests are "paint", from a URL to the picture, in microseconds; and "pss", what each of 20
// open pages weighs, in KiB.
#include <memory>
#include <string>
#include <string_view>

#include "bench/first_paint.h"
#include "bench/sampler.h"
#include "examples/browser_host/setup.h"
#include "forkserver/host/fork_server.h"

namespace bench {
namespace {

using forkserver::ForkServer;

constexpr int kPages = 20;

int Sample(int argc, char** argv) {
  const std::string_view asked = argc > 1 ? argv[1] : "";
  const ProcessesFrom from = asked == "--exec"   ? ProcessesFrom::kExec
                             : asked == "--pool" ? ProcessesFrom::kPool
                                                 : ProcessesFrom::kTemplate;
  auto server = ForkServer::Start(argc, argv, browser_host::MakeStartOptions({}));
  const auto refuse = [](const absl::Status& why) {
    RefuseRequests(why);
    return 1;
  };
  if (!server.ok()) return refuse(server.status());
  if (auto hello = (*server)->WaitUntilServing(); !hello.ok()) return refuse(hello.status());
  auto browser = SmallPageBrowser::Create(**server, from);
  if (!browser.ok()) return refuse(browser.status());
  AnswerRequests([&](const std::string& request) -> absl::StatusOr<double> {
    if (request == "paint") return (*browser)->FirstPaint();
    if (request == "pss") return (*browser)->ProportionalKib(kPages);
    return absl::InvalidArgumentError("no such request: " + request);
  });
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Sample(argc, argv); }
