// A sampler (bench/sampler.h) of pages that are painted (bench/first_paint.h):
//
//     paint_sampler --exec    whose pages' processes are exec'ed
//     paint_sampler           whose pages' processes come from a content template
//
// Its requests are "paint" and, of the latter, "pool": from a URL to the picture, in microseconds;
// "pss", and "pss with templates": what each of 20 open pages weighs, in KiB.
#include <string.h>

#include <memory>
#include <string>

#include "bench/first_paint.h"
#include "bench/sampler.h"
#include "examples/browser_host/setup.h"
#include "forkserver/host/fork_server.h"

namespace bench {
namespace {

using forkserver::ForkServer;

constexpr int kPages = 20;

int Sample(int argc, char** argv) {
  const bool execs = argc > 1 && strcmp(argv[1], "--exec") == 0;
  auto server = ForkServer::Start(argc, argv, browser_host::MakeStartOptions({}));
  const auto refuse = [](const absl::Status& why) {
    RefuseRequests(why);
    return 1;
  };
  if (!server.ok()) return refuse(server.status());
  if (auto hello = (*server)->WaitUntilServing(); !hello.ok()) return refuse(hello.status());
  auto browser = SmallPageBrowser::Create(**server, execs ? Launches::kExecs : Launches::kForks);
  if (!browser.ok()) return refuse(browser.status());
  AnswerRequests([&](const std::string& request) -> absl::StatusOr<double> {
    if (request == "paint") return (*browser)->FirstPaint(Source::kTemplate);
    if (request == "pool" && !execs) return (*browser)->FirstPaint(Source::kPool);
    if (request == "pss") return (*browser)->ProportionalKib(kPages, Weighed::kPages);
    if (request == "pss with templates") {
      return (*browser)->ProportionalKib(kPages, Weighed::kPagesAndTemplates);
    }
    return absl::InvalidArgumentError("no such request: " + request);
  });
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Sample(argc, argv); }
