// What must not be the same in two children of a template: the embedder's part of it.
//
//     ForkServer::Start(argc, argv, {
//         .programs = ...,
//         .warm_ups = {{"tls", [] { return LoadCertificates(); }}},       // seeds OpenSSL
//         .refresh_hooks = {{"openssl", [] { if (RAND_poll() != 1) abort(); }},
//                           {"shuffle", [] { shuffle_engine.seed(std::random_device()()); }}}});
//
// A generator that was seeded before a fork gives every child the same numbers. Who makes what
// fresh:
//
//   the kernel     getrandom(2), /dev/urandom, std::random_device and arc4random over them: nothing
//                  to do. A pid repeats: in time, and in each new pid namespace
//   this project   the stack canary and the bytes of AT_RANDOM (process_secrets.h)
//   a hook         whatever keeps a state in memory: OpenSSL, <random>'s engines, random() and
//                  rand(), hash seeds, counters and ids that should be unique
//   nothing        abseil's BitGen, made before or after the fork: it draws from one pool of the
//                  process, which cannot be seeded again. Not to be used in a template
//   WipedMemory    what no child is to have at all (preload/wiped_memory.h)
//
// pthread_atfork does not help: its handlers are called by libc's fork, and templates fork by a raw
// clone3 (forkserver/server/clone_process.h). Generators that compare getpid with the pid that
// seeded them, as OpenSSL's does, see most forks, but not one into a pid namespace where the same
// pid comes again (Openssl.RepeatsItselfInAPidNamespaceWhereThePidIsTheSame).
//
// When: in order, on the child's only thread, when Ready has been sent and before its ChildProgram
// is made. In every child: of the root and of other templates, in blanks when their Plan has come,
// in those that were exec'ed, and in those that become templates, before their warm-ups. So a hook
// must bear that nothing has been warmed up yet; a template's generator differs from its
// children's, which refresh again. They may allocate. The host does not wait for them, but each
// launch pays for them in the child.
//
// How one fails: the host has heard Ready, so there is nobody to tell but by ending: abort, _exit.
// An exception ends the child by std::terminate.
#ifndef PRELOAD_REFRESH_REFRESH_HOOKS_H_
#define PRELOAD_REFRESH_REFRESH_HOOKS_H_

#include <functional>
#include <string>

namespace forkserver {

struct RefreshHook {
  std::string name;
  std::function<void()> run;  // not null; constant, since templates' memory is
};

}  // namespace forkserver

#endif  // PRELOAD_REFRESH_REFRESH_HOOKS_H_
