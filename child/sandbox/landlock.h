// Landlock (landlock(7)): what a process may do with files by their names, with TCP, and with
// processes outside of its domain: nothing.
//
//     LandlockRuleset ruleset = LandlockRuleset::Create(NetworkAccess::kNone);
//     ruleset.Restrict(report);                        // the template, and so its children
//     RestrictToOwnDomain(ruleset.fd());               // each child: a domain of its own
//
// A ruleset without rules allows nothing of what it handles: as much as the running kernel knows.
// Descriptors that are open are not concerned. A child that restricts itself once more by the same
// ruleset is in a domain of its own, below its template's: it cannot signal its siblings, nor they
// it (Linux 6.12). That costs 6 us; 16 domains may lie in each other.
//
// The descriptor is close-on-exec, and of no use to a child that has restricted itself; a child's
// Plan closes it. Needs no_new_privs. Restricting allocates nothing and leaves errno alone.
#ifndef CHILD_SANDBOX_LANDLOCK_H_
#define CHILD_SANDBOX_LANDLOCK_H_

#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class LandlockRuleset {
 public:
  LandlockRuleset() = default;

  // One that could not be made says so in every Restrict.
  static LandlockRuleset Create(NetworkAccess network);

  void Restrict(SandboxReport& report) const;

  // -1: the kernel has none.
  int fd() const { return ruleset_.get(); }

 private:
  UniqueFd ruleset_;
  NetworkAccess network_ = NetworkAccess::kNone;
  int version_ = 0;  // of the kernel's Landlock
  int error_ = 0;    // why there is no ruleset
};

// 0 or the errno of landlock_restrict_self(2).
int RestrictToOwnDomain(int ruleset);

}  // namespace forkserver

#endif  // CHILD_SANDBOX_LANDLOCK_H_
