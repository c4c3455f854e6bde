// What each child of a sandboxed template adds to what it inherits: a Landlock domain of its own,
// and one small filter that takes away what only a template needs.
//
//     const OwnLayers own = {.landlock_ruleset = ruleset.fd(), .filter = OwnFilter::kAttached};
//     const int error = AddOwnLayers(own);                 // in the child; 0 or an errno
//
// The filter answers clone3 with ENOSYS, so that glibc makes threads by clone(2), whose flags the
// template's filter can see (those of clone3 lie behind a pointer); with EPERM both seccomp and a
// clone with a pidfd, which is how a template forks where it has no clone3; and with ENOMEM mremap,
// which a template's freeze needs and by which a child could grow frozen memory past its file's
// end: malloc copies then. All else it lets through: the template's filter has judged it already,
// or will. It is written down here as the kernel takes it, and costs 20 to 30 us to attach, most of
// which is the kernel's own (kernel/seccomp.c, seccomp_cache_prepare, and the translation of the
// filter to machine code): so a blank attaches it while it waits.
//
// No allocation; usable between fork and Ready.
#ifndef CHILD_SANDBOX_OWN_LAYERS_H_
#define CHILD_SANDBOX_OWN_LAYERS_H_

#include <stdint.h>

namespace forkserver {

enum class OwnFilter : uint8_t {
  kNone,  // the template has no filter either
  kAttached,
};

struct OwnLayers {
  static constexpr int kNoRuleset = -1;
  static constexpr int kMissingRuleset = -2;  // there was to be one: AddOwnLayers is EBADF

  // The template's descriptor, which the child inherits.
  int landlock_ruleset = kNoRuleset;
  OwnFilter filter = OwnFilter::kNone;
};

int AddOwnLayers(const OwnLayers& layers);

}  // namespace forkserver

#endif  // CHILD_SANDBOX_OWN_LAYERS_H_
