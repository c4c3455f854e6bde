#include "child/sandbox/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

// What this code knows of, by Landlock's version (landlock(7)); Debian's headers have version 2.
constexpr uint64_t kFilesOfVersion1 = (uint64_t{1} << 13) - 1;
constexpr uint64_t kRefer = uint64_t{1} << 13;     // version 2
constexpr uint64_t kTruncate = uint64_t{1} << 14;  // version 3
constexpr uint64_t kIoctl = uint64_t{1} << 15;     // version 5: of devices, that it opens itself
constexpr uint64_t kTcp = 0b11;                    // version 4: bind and connect
constexpr uint64_t kScopes = 0b11;                 // version 6: abstract sockets and signals
constexpr int kVersionOfTcp = 4;
constexpr int kVersionOfScopes = 6;

struct RulesetAttributes {
  uint64_t handled_files = 0;
  uint64_t handled_network = 0;
  uint64_t scoped = 0;
};

size_t SizeForVersion(int version) {
  if (version >= kVersionOfScopes) return sizeof(RulesetAttributes);
  return version >= kVersionOfTcp ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

}  // namespace

LandlockRuleset LandlockRuleset::Create(NetworkAccess network) {
  LandlockRuleset made;
  made.network_ = network;
  const long version =
      RawSyscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) {
    made.error_ = static_cast<int>(-version);
    return made;
  }
  made.version_ = static_cast<int>(version);
  RulesetAttributes attributes = {.handled_files = kFilesOfVersion1};
  if (version >= 2) attributes.handled_files |= kRefer;
  if (version >= 3) attributes.handled_files |= kTruncate;
  if (version >= 5) attributes.handled_files |= kIoctl;
  if (version >= kVersionOfTcp && network == NetworkAccess::kNone) {
    attributes.handled_network = kTcp;
  }
  if (version >= kVersionOfScopes) attributes.scoped = kScopes;
  const long fd =
      RawSyscall(SYS_landlock_create_ruleset, &attributes, SizeForVersion(made.version_), 0);
  if (fd < 0) {
    made.error_ = static_cast<int>(-fd);
  } else {
    made.ruleset_.reset(static_cast<int>(fd));
  }
  return made;
}

void LandlockRuleset::Restrict(SandboxReport& report) const {
  SandboxCall call = SandboxCall::kCreateRuleset;
  int error = error_;
  if (error == 0) {
    call = SandboxCall::kRestrictSelf;
    error = RestrictToOwnDomain(ruleset_.get());
  }
  const auto outcome = [&](SandboxLayer layer, int needs) {
    // What a template above has engaged holds, whatever comes of more.
    if (report[layer].holds() && (error != 0 || version_ < needs)) return;
    if (error != 0) {
      report.Refused(layer, call, error);
    } else if (version_ < needs) {
      report.Refused(layer, SandboxCall::kLandlockVersion, 0);
    } else {
      report.Engaged(layer);
    }
  };
  outcome(SandboxLayer::kLandlockFiles, 1);
  if (network_ == NetworkAccess::kNone) outcome(SandboxLayer::kLandlockNetwork, kVersionOfTcp);
  outcome(SandboxLayer::kLandlockScopes, kVersionOfScopes);
  outcome(SandboxLayer::kOwnLandlockDomain, kVersionOfScopes);
}

FORKSERVER_LAUNCH_PATH int RestrictToOwnDomain(int ruleset) {
  return RawSyscallError(SYS_landlock_restrict_self, ruleset, 0);
}

}  // namespace forkserver
