#include "tests/soak/lone_launch.h"

#include <string>

#include "tests/soak/mix.h"
#include "transceiver/clock.h"

namespace forkserver::soak {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

}  // namespace

absl::StatusOr<absl::Duration> LoneLaunch(ForkServer& server) {
  const int64_t start = NowNanos();
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kUtility,
                     .argv = {"soak-child", NameOf(Conduct::kExit), "0"},
                     .way = LaunchWay::kFork,
                     .template_name = std::string(kRootTemplate)});
  if (!child.ok()) return child.status();
  const absl::StatusOr<ExitStatus> status = child->process.Wait(kPatience);
  if (!status.ok()) return status.status();
  if (!status->success()) return absl::InternalError("a lone launch " + status->ToString());
  return absl::Nanoseconds(NowNanos() - start);
}

}  // namespace forkserver::soak
