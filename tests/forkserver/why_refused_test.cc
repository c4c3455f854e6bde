// What is said of a refusal, by what a machine says of itself. The machines are folders here.
#include "forkserver/host/why_refused.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Layer = SandboxLayer;

class WhyRefusedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    WriteStatus("1000", "0000000000000000", "0");
  }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
    std::ofstream(root_ + path) << text;
  }
  void WriteStatus(const std::string& user, const std::string& capabilities,
                   const std::string& seccomp) {
    Write("/proc/self/status", "Name:\tx\nUid:\t1\t" + user + "\t1\t1\nCapEff:\t" + capabilities +
                                   "\nSeccomp:\t" + seccomp + "\nSeccomp_filters:\t" + seccomp +
                                   "\n");
  }

  std::string Why(Layer layer) {
    MachineFacts machine = ReadMachineFacts(root_);
    machine.landlock_version = landlock_version_;
    return WhyRefused(report_, layer, machine);
  }
  std::string Why(Layer layer, SandboxCall call, int error) {
    report_.Refused(layer, call, error);
    return Why(layer);
  }

  const testing::TemporaryFolder folder_;
  const std::string root_ = folder_.path();
  SandboxReport report_;
  int landlock_version_ = 2;
};

TEST_F(WhyRefusedTest, OfALayerThatWasNotRefusedItSaysTheState) {
  report_.Engaged(Layer::kLimits);
  EXPECT_EQ(Why(Layer::kLimits), "engaged");
  EXPECT_EQ(Why(Layer::kNotDumpable), "not wanted");
}

TEST_F(WhyRefusedTest, WhatTheMachineDoesNotTellIsNotSpokenOf) {
  std::filesystem::remove_all(root_ + "/proc");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kUnshareUser, EPERM),
            "unshare CLONE_NEWUSER: EPERM");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kUnshareUser, ENOSPC),
            "unshare CLONE_NEWUSER: ENOSPC");
}

TEST_F(WhyRefusedTest, UserNamespacesThatUbuntuRestricts) {
  Write("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kWriteUidMap, EPERM),
            "write /proc/self/uid_map: EPERM; kernel.apparmor_restrict_unprivileged_userns is 1; "
            "this process is not root (uid 1000)");
  // The user namespace itself may be let through, and no right in it.
  report_.Engaged(Layer::kUserNamespace);
  EXPECT_EQ(Why(Layer::kNetworkNamespace, SandboxCall::kUnshareNetwork, EPERM),
            "unshare CLONE_NEWNET: EPERM; kernel.apparmor_restrict_unprivileged_userns is 1");
  Write("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n");
  EXPECT_EQ(Why(Layer::kNetworkNamespace), "unshare CLONE_NEWNET: EPERM");
}

TEST_F(WhyRefusedTest, UserNamespacesThatDebianForbids) {
  Write("/proc/sys/kernel/unprivileged_userns_clone", "0\n");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kUnshareUser, EPERM),
            "unshare CLONE_NEWUSER: EPERM; kernel.unprivileged_userns_clone is 0; this process is "
            "not root (uid 1000)");
  Write("/proc/sys/kernel/unprivileged_userns_clone", "1\n");
  EXPECT_THAT(Why(Layer::kUserNamespace), Not(HasSubstr("userns_clone")));
}

TEST_F(WhyRefusedTest, NamespacesThatAreUsedUp) {
  Write("/proc/sys/user/max_user_namespaces", "0\n");
  Write("/proc/sys/user/max_net_namespaces", "7\n");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kUnshareUser, ENOSPC),
            "unshare CLONE_NEWUSER: ENOSPC; user.max_user_namespaces is 0");
  EXPECT_EQ(Why(Layer::kNetworkNamespace, SandboxCall::kUnshareNetwork, ENOSPC),
            "unshare CLONE_NEWNET: ENOSPC; user.max_net_namespaces is 7");
}

TEST_F(WhyRefusedTest, WhoIsNotRootNeedsAUserNamespaceForTheOthers) {
  report_.Refused(Layer::kUserNamespace, SandboxCall::kUnshareUser, EPERM);
  EXPECT_EQ(Why(Layer::kMountNamespace, SandboxCall::kUnshareMount, EPERM),
            "unshare CLONE_NEWNS: EPERM; it takes CAP_SYS_ADMIN, which this process has not, or a "
            "user namespace (unshare CLONE_NEWUSER: EPERM)");
  EXPECT_EQ(Why(Layer::kEmptyRoot, SandboxCall::kMissingLayer, 0),
            "a layer that it needs is missing; it needs a mount namespace (unshare CLONE_NEWNS: "
            "EPERM)");
  WriteStatus("0", "000001ffffffffff", "0");
  EXPECT_EQ(Why(Layer::kMountNamespace), "unshare CLONE_NEWNS: EPERM");
}

TEST_F(WhyRefusedTest, RootWithoutCapabilitiesMayNotBeMapped) {
  WriteStatus("0", "0000000000000000", "0");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kWriteUidMap, EPERM),
            "write /proc/self/uid_map: EPERM; since Linux 5.12 it takes CAP_SETFCAP to map uid 0, "
            "and this process is root without it: the namespace is entered, and nobody has a "
            "number in it");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kUnshareUser, EPERM),
            "unshare CLONE_NEWUSER: EPERM; this process is root without CAP_SYS_ADMIN");
  // CAP_SETFCAP, and nothing else.
  WriteStatus("0", "0000000080000000", "0");
  EXPECT_THAT(Why(Layer::kUserNamespace, SandboxCall::kWriteUidMap, EPERM),
              Not(HasSubstr("CAP_SETFCAP")));
  // Another user needs none for its own number.
  WriteStatus("1000", "0000000000000000", "0");
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kWriteUidMap, EPERM),
            "write /proc/self/uid_map: EPERM; this process is not root (uid 1000)");
}

TEST_F(WhyRefusedTest, AContainersFilterAndProfileAreNamedAsWhatMayForbidIt) {
  WriteStatus("0", "000001ffffffffff", "2");
  Write("/proc/self/attr/current", std::string("docker-default (enforce)\n\0", 26));
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kUnshareUser, EPERM),
            "unshare CLONE_NEWUSER: EPERM; this process is under a seccomp filter (2 of them), "
            "which may be what forbids it; its security label is 'docker-default (enforce)'");
  Write("/proc/self/attr/current", "unconfined\n");
  EXPECT_THAT(Why(Layer::kUserNamespace), Not(HasSubstr("label")));
  // Of a limit neither is the cause.
  EXPECT_EQ(Why(Layer::kUserNamespace, SandboxCall::kUnshareUser, ENOSPC),
            "unshare CLONE_NEWUSER: ENOSPC");
}

TEST_F(WhyRefusedTest, LandlockThatIsNotThere) {
  EXPECT_EQ(Why(Layer::kLandlockFiles, SandboxCall::kCreateRuleset, ENOSYS),
            "landlock_create_ruleset: ENOSYS; this kernel, Linux 6.1.0-18-amd64, was built without "
            "Landlock (CONFIG_SECURITY_LANDLOCK)");
  WriteStatus("0", "000001ffffffffff", "2");
  EXPECT_THAT(Why(Layer::kLandlockFiles), AllOf(HasSubstr("a seccomp filter hides it"),
                                                Not(HasSubstr("CONFIG_SECURITY_LANDLOCK"))));
}

TEST_F(WhyRefusedTest, LandlockThatWasNotAskedForAtBoot) {
  Write("/sys/kernel/security/lsm", "lockdown,capability,yama,apparmor");
  EXPECT_EQ(Why(Layer::kLandlockFiles, SandboxCall::kCreateRuleset, EOPNOTSUPP),
            "landlock_create_ruleset: EOPNOTSUPP; Landlock is disabled at boot: the kernel's "
            "parameter lsm= must name it; /sys/kernel/security/lsm is "
            "lockdown,capability,yama,apparmor");
}

TEST_F(WhyRefusedTest, LandlockThatIsTooOldForTheLayer) {
  EXPECT_EQ(Why(Layer::kLandlockNetwork, SandboxCall::kLandlockVersion, 0),
            "the kernel's Landlock is too old; Landlock of this kernel, Linux 6.1.0-18-amd64, is "
            "version 2, and version 4 is needed (Linux 6.7)");
  landlock_version_ = 4;
  EXPECT_THAT(Why(Layer::kOwnLandlockDomain, SandboxCall::kLandlockVersion, 0),
              HasSubstr("is version 4, and version 6 is needed (Linux 6.12)"));
}

TEST_F(WhyRefusedTest, AListenerThatIsASupervisors) {
  EXPECT_THAT(Why(Layer::kListener, SandboxCall::kNewListener, EBUSY),
              HasSubstr("has a listener already, a supervisor's"));
}

TEST_F(WhyRefusedTest, OfThisMachineItReadsWhatIsThere) {
  const MachineFacts machine = ReadMachineFacts();
  EXPECT_TRUE(machine.seccomp_mode.has_value());
  EXPECT_TRUE(machine.user_id.has_value());
  EXPECT_TRUE(machine.may_administer.has_value());
  EXPECT_FALSE(machine.kernel_release.empty());
  EXPECT_EQ(machine.dumpable, 1);
}

}  // namespace
}  // namespace forkserver
