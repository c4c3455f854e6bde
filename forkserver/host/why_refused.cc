#include "forkserver/host/why_refused.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <fstream>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr const char* kNamespaceLimits[] = {"user", "pid", "mnt", "ipc", "uts", "net"};

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  // A security label ends with a zero.
  return std::string(absl::StripAsciiWhitespace(line.substr(0, line.find('\0'))));
}

std::optional<int64_t> Number(const std::string& text) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

void ReadStatus(const std::string& path, MachineFacts& facts) {
  std::ifstream status(path);
  for (std::string line; std::getline(status, line);) {
    const size_t colon = line.find(":\t");
    if (colon == line.npos) continue;
    const std::string name = line.substr(0, colon);
    const std::string value = line.substr(colon + 2);
    if (name == "Seccomp") facts.seccomp_mode = Number(value);
    if (name == "Seccomp_filters") facts.seccomp_filters = Number(value);
    // Real, effective, saved, of the file system.
    if (name == "Uid") facts.user_id = atol(value.substr(value.find('\t') + 1).c_str());
    if (name == "CapEff") {
      const unsigned long long capabilities = strtoull(value.c_str(), nullptr, 16);
      facts.may_administer = (capabilities >> CAP_SYS_ADMIN & 1) != 0;
      facts.may_map_root = (capabilities >> CAP_SETFCAP & 1) != 0;
    }
  }
}

int LandlockVersion() {
  const long version =
      RawSyscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<int>(version) : 0;
}

bool IsNamespace(SandboxLayer layer) { return layer <= SandboxLayer::kNetworkNamespace; }

bool NeedsAdministrator(SandboxLayer layer) {
  return layer > SandboxLayer::kUserNamespace && layer <= SandboxLayer::kEmptyRoot;
}

struct LandlockNeed {
  int version;
  std::string_view linux;
};

// landlock(7).
LandlockNeed NeededLandlock(SandboxLayer layer) {
  if (layer == SandboxLayer::kLandlockFiles) return {.version = 1, .linux = "5.13"};
  if (layer == SandboxLayer::kLandlockNetwork) return {.version = 4, .linux = "6.7"};
  return {.version = 6, .linux = "6.12"};
}

// Of one refusal, the sentences that are added to it.
class Reasons {
 public:
  Reasons(const SandboxReport& report, SandboxLayer layer, const MachineFacts& machine)
      : report_(report), layer_(layer), state_(report[layer]), machine_(machine) {}

  std::string Text() {
    sentences_.push_back(LayerStateText(state_));
    if (state_.outcome == LayerOutcome::kRefused) {
      AddMissingLayer();
      AddLandlock();
      AddListener();
      AddNamespaceSettings();
      AddRights();
      AddFilterAndLabel();
    }
    return absl::StrJoin(sentences_, "; ");
  }

 private:
  template <typename... Arguments>
  void Say(const absl::FormatSpec<Arguments...>& format, const Arguments&... arguments) {
    sentences_.push_back(absl::StrFormat(format, arguments...));
  }

  bool is_forbidden() const { return state_.error == EPERM || state_.error == EACCES; }
  bool is_filtered() const { return machine_.seccomp_mode == 2; }

  void AddMissingLayer() {
    if (state_.call != SandboxCall::kMissingLayer) return;
    if (layer_ != SandboxLayer::kEmptyRoot) return;
    constexpr SandboxLayer kNeeded = SandboxLayer::kMountNamespace;
    Say("it needs a %s (%s)", std::string(SandboxLayerName(kNeeded)),
        LayerStateText(report_[kNeeded]));
  }

  void AddLandlock() {
    if (state_.call == SandboxCall::kLandlockVersion) {
      const LandlockNeed need = NeededLandlock(layer_);
      Say("Landlock of this kernel, Linux %s, is version %d, and version %d is needed (Linux %s)",
          machine_.kernel_release, machine_.landlock_version, need.version,
          std::string(need.linux));
    }
    if (state_.call == SandboxCall::kRestrictSelf && state_.error == E2BIG) {
      Say("as many Landlock domains as the kernel allows lie in each other already");
    }
    if (state_.call != SandboxCall::kCreateRuleset) return;
    if (state_.error == ENOSYS && !is_filtered()) {
      Say("this kernel, Linux %s, was built without Landlock (CONFIG_SECURITY_LANDLOCK)",
          machine_.kernel_release);
    }
    if (state_.error == ENOSYS && is_filtered()) {
      Say("either this kernel, Linux %s, was built without Landlock, or a seccomp filter hides it",
          machine_.kernel_release);
    }
    if (state_.error == EOPNOTSUPP) {
      Say("Landlock is disabled at boot: the kernel's parameter lsm= must name it");
      if (!machine_.security_modules.empty()) {
        Say("/sys/kernel/security/lsm is %s", machine_.security_modules);
      }
    }
  }

  void AddListener() {
    if (state_.call != SandboxCall::kNewListener || state_.error != EBUSY) return;
    // seccomp(2): EBUSY has no other cause.
    Say("a seccomp filter that this process is under has a listener already, a supervisor's, and "
        "there can be one only");
  }

  void AddNamespaceSettings() {
    const auto index = static_cast<size_t>(layer_);
    if (IsNamespace(layer_) && state_.error == ENOSPC && machine_.max_namespaces[index]) {
      Say("user.max_%s_namespaces is %d", kNamespaceLimits[index], *machine_.max_namespaces[index]);
    }
    if (!is_forbidden()) return;
    // It lets a process have the namespace but no right in it, so that the layers after it fail.
    if ((IsNamespace(layer_) || layer_ == SandboxLayer::kEmptyRoot) &&
        machine_.apparmor_restricts_user_namespaces == 1) {
      Say("kernel.apparmor_restrict_unprivileged_userns is 1");
    }
    if (layer_ == SandboxLayer::kUserNamespace && machine_.unprivileged_user_namespaces == 0) {
      Say("kernel.unprivileged_userns_clone is 0");
    }
  }

  void AddRights() {
    const bool is_map = state_.call == SandboxCall::kWriteSetgroups ||
                        state_.call == SandboxCall::kWriteUidMap ||
                        state_.call == SandboxCall::kWriteGidMap;
    if (is_map && state_.error == EACCES && machine_.dumpable != 1) {
      Say("this process is not dumpable, as one is that has changed its user, so that its files in "
          "/proc are root's");
    }
    // user_namespaces(7). To which uid it is mapped makes no difference.
    if (state_.call == SandboxCall::kWriteUidMap && state_.error == EPERM &&
        machine_.user_id == 0 && machine_.may_map_root == false) {
      Say("since Linux 5.12 it takes CAP_SETFCAP to map uid 0, and this process is root without "
          "it: the namespace is entered, and nobody has a number in it");
      return;
    }
    if (!is_forbidden() || machine_.may_administer != false) return;
    if (layer_ == SandboxLayer::kUserNamespace) {
      if (machine_.user_id == 0) {
        Say("this process is root without CAP_SYS_ADMIN");
      } else if (machine_.user_id) {
        Say("this process is not root (uid %d)", *machine_.user_id);
      }
      return;
    }
    if (NeedsAdministrator(layer_) && !report_[SandboxLayer::kUserNamespace].holds()) {
      Say("it takes CAP_SYS_ADMIN, which this process has not, or a user namespace (%s)",
          LayerStateText(report_[SandboxLayer::kUserNamespace]));
    }
  }

  // A container's filter is known by its answers.
  void AddFilterAndLabel() {
    if (is_filtered() && (is_forbidden() || state_.error == ENOSYS || state_.error == EOPNOTSUPP)) {
      Say("this process is under a seccomp filter%s, which may be what forbids it",
          machine_.seccomp_filters ? absl::StrFormat(" (%d of them)", *machine_.seccomp_filters)
                                   : "");
    }
    if (is_forbidden() && !machine_.security_label.empty() &&
        machine_.security_label != "unconfined") {
      Say("its security label is '%s'", machine_.security_label);
    }
  }

  const SandboxReport& report_;
  const SandboxLayer layer_;
  const LayerState& state_;
  const MachineFacts& machine_;
  std::vector<std::string> sentences_;
};

}  // namespace

MachineFacts ReadMachineFacts(const std::string& root) {
  const auto sysctl = [&root](const std::string& name) {
    return Number(FirstLine(root + "/proc/sys/" + name));
  };
  MachineFacts facts;
  facts.apparmor_restricts_user_namespaces = sysctl("kernel/apparmor_restrict_unprivileged_userns");
  facts.unprivileged_user_namespaces = sysctl("kernel/unprivileged_userns_clone");
  for (size_t i = 0; i < facts.max_namespaces.size(); ++i) {
    facts.max_namespaces[i] =
        sysctl(absl::StrFormat("user/max_%s_namespaces", kNamespaceLimits[i]));
  }
  facts.kernel_release = FirstLine(root + "/proc/sys/kernel/osrelease");
  facts.security_modules = FirstLine(root + "/sys/kernel/security/lsm");
  facts.security_label = FirstLine(root + "/proc/self/attr/current");
  ReadStatus(root + "/proc/self/status", facts);
  facts.landlock_version = LandlockVersion();
  facts.dumpable = prctl(PR_GET_DUMPABLE);
  return facts;
}

std::string WhyRefused(const SandboxReport& report, SandboxLayer layer,
                       const MachineFacts& machine) {
  return Reasons(report, layer, machine).Text();
}

}  // namespace forkserver
