#include "tests/forkserver/launch_host.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/testing/host_test.h"

namespace forkserver::testing {

HostSetup SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.drain_after_body = test.find("DestroyedServer") == test.npos;
  setup.wait_until_serving = test.find("DestroyedServerThatNever") == test.npos;
  return setup;
}

LaunchOptions Options(std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest, .argv = std::move(argv)};
}

LaunchOptions FromTheTemplate(std::vector<std::string> argv) {
  LaunchOptions options = Options(std::move(argv));
  options.way = LaunchWay::kTemplate;
  options.when_template_dies = WhenTemplateDies::kFail;
  return options;
}

}  // namespace forkserver::testing
