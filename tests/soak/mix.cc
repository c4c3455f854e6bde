#include "tests/soak/mix.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace forkserver::soak {
namespace {

// Of a hundred launches.
constexpr std::array<int, static_cast<size_t>(Conduct::kCount)> kShares = {60, 10, 10, 10, 5, 5};

Conduct ConductOf(int percent) {
  size_t conduct = 0;
  for (int below = kShares[0]; percent >= below; below += kShares[conduct]) ++conduct;
  return static_cast<Conduct>(conduct);
}

}  // namespace

const char* NameOf(Conduct conduct) {
  switch (conduct) {
    case Conduct::kExit:
      return "exit";
    case Conduct::kCrash:
      return "crash";
    case Conduct::kHang:
      return "hang";
    case Conduct::kHangUp:
      return "hang-up";
    case Conduct::kCancel:
      return "cancel";
    case Conduct::kCancelLate:
      return "late-cancel";
    case Conduct::kCount:
      break;
  }
  return "?";
}

std::string PlannedLaunch::ToString() const {
  return absl::StrCat(origin == Origin::kPool ? "pooled " : "forked ",
                      confinement == Confinement::kSandboxed ? "sandboxed " : "", NameOf(conduct));
}

PlannedLaunch Mix::Next() {
  const uint64_t drawn = random_();
  return {.conduct = ConductOf(static_cast<int>((drawn >> 32) % 100)),
          .origin = (drawn & 1) != 0 ? Origin::kPool : Origin::kFork,
          .confinement = (drawn & 2) != 0 ? Confinement::kSandboxed : Confinement::kNone,
          .exit_status = static_cast<int>((drawn >> 8) & 0xff)};
}

}  // namespace forkserver::soak
