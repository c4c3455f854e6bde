// The phrases that policies are written in: system calls by what they are for, and files.
//
//     SandboxPolicy policy;
//     policy.calls = Phrases({Baseline(), Computing(), Threads(), GivenDescriptors()});
//     policy.files = FilePhrases({FontsAndLocales(), HarmlessDevices()});
//
// Every policy begins with Baseline: what each child needs to get Ready and to end, what no child
// may ever do, and what libraries try and can do without. All of them allocate.
//
// A filter sees numbers and not what they point at. What that leaves open, and who shuts it:
//
// - clone3 may do anything, and so may a template's clone that forks: the template needs them, and
//   its children inherit its filter. A child's last filter, a small one of its own, answers clone3
//   with ENOSYS (glibc's pthread_create then calls clone, whose flags Threads names), and refuses
//   seccomp, landlock_restrict_self and a clone without CLONE_THREAD. Without that last filter a
//   child can fork, and make namespaces.
// - OwnSignals cannot say "itself". A pid namespace, or a Landlock domain of the child's own that
//   is scoped for signals (Linux 6.12), keeps signals from siblings; where there is neither, a
//   child can signal every process of its user.
// - stat of a name is let through together with fstat (baseline.cc). An empty root hides the names.
// - The single-thread check and the freeze of a template read /proc: below one whose filter is
//   kAlone (compile_filter.h) no template can start, for nobody is there to be asked.
#ifndef CHILD_SANDBOX_PHRASES_H_
#define CHILD_SANDBOX_PHRASES_H_

#include <initializer_list>
#include <vector>

#include "child/sandbox/file_rule.h"
#include "child/sandbox/system_calls.h"

namespace forkserver {

// In this order: what a later phrase says of a call holds (SystemCalls::Add).
SystemCalls Phrases(std::initializer_list<SystemCalls> phrases);

// What template and child need from the fork to Ready and at the end: what they have open, and
// memory in which nothing that was written is executed. What attacks are made of is answered by a
// kill; what libraries try, with an error.
SystemCalls Baseline();

// Time, randomness, and itself.
SystemCalls Computing();

// Threads as pthread_create makes them, and what they wait with.
SystemCalls Threads();

// Reading, writing and closing what it was given, and waiting for it; descriptors of its own that
// lead nowhere: pipes, eventfds, timers, memfds, socket pairs.
SystemCalls GivenDescriptors();

// Signals to itself (see above), and its own handlers and timers.
SystemCalls OwnSignals();

// Libraries that are loaded at run time: files mapped executable and never writable. A memfd that
// was filled first passes as such a file, so this keeps out accidents rather than attacks.
SystemCalls LoadedCode();

// Code that is made at run time: memory that was written may become executable.
SystemCalls GeneratedCode();

// Files by their names: all asked of the broker.
SystemCalls FilesByBroker();

// Sockets that are bound to names in the file system, connected by the broker.
SystemCalls LocalServicesByBroker();

// Sockets of its own, of the internet's families.
SystemCalls Network();

// Device calls of graphics drivers, on descriptors that the broker opened.
SystemCalls GraphicsDevices();

// All of them.
std::vector<FileRule> FilePhrases(std::initializer_list<std::vector<FileRule>> phrases);

// What text is shown with: fonts, languages, time zones. To read.
std::vector<FileRule> FontsAndLocales();

// /dev/null and where random bytes come from.
std::vector<FileRule> HarmlessDevices();

// What a template reads to freeze itself (preload/freeze), about itself only.
std::vector<FileRule> OwnMemoryInProc();

// What a name of the internet is looked up with, and its certificates.
std::vector<FileRule> NameLookup();

// Devices of graphics drivers, the drivers themselves, and what they look them up with.
std::vector<FileRule> GraphicsFiles();

}  // namespace forkserver

#endif  // CHILD_SANDBOX_PHRASES_H_
