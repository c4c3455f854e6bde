// The random bytes that the kernel and the C library gave this process at its exec, and that a fork
// copies: how a child gets its own.
//
//     const ProcessSecrets secrets = ProcessSecrets::Find();    // before any fork
//     [[noreturn, gnu::no_stack_protector]] void Child() {
//       if (secrets.Refresh() != 0) _exit(1);
//       ...                                             // never returns
//     }
//
// Made fresh, from one getrandom(2), so that an overrun that is found by trial in one child does
// not work in the next:
// - The stack canary, on x86-64 with glibc. A function puts it on its stack when it is entered and
//   compares when it returns: so no frame that is there now may ever return, or __stack_chk_fail
//   ends the process. Hence the caller above. The same goes for a stack that a warm-up left in the
//   middle of something (makecontext): it cannot be resumed in a child. (C++ coroutines can.)
//   Threads that the child makes get the new one. On aarch64 the canary is a variable that the
//   dynamic loader has made read-only (__stack_chk_guard): it stays the template's.
// - The 16 bytes of AT_RANDOM (getauxval(3)). glibc made its canary and its pointer guard out of
//   them and does not look again; other libraries seed themselves with them.
//
// Not made fresh:
// - glibc's pointer guard (fs:0x30). Pointers that were mangled with it before the fork are needed
//   after it: those of atexit and of thread_local destructors (a program that calls exit runs them;
//   Run's return does not), of setjmp, fopencookie, iconv and name services. With another guard
//   each would be a jump to a wild address. It hides where such pointers lead, from whoever can
//   write memory but not read it; what that is worth ends with the children of one exec'ed program.
// - malloc's tcache_key. No secret: it marks free blocks, to find some double frees, and must only
//   be unlike what programs store (malloc.c). Blocks that were freed before the fork carry it.
// - The layout of the address space, and the host's own values: what was on the stack of main is in
//   the copy. Only an exec makes those differ.
//
// What it costs: the page with the thread's control block, which ThreadBlock::Restore has copied
// already, and the page of the stack with AT_RANDOM, which is the child's one page more. Blanks
// have both ahead, where pages are learned. No allocation, no lock. Not for a process with a second
// thread, whose canary stays.
#ifndef PRELOAD_REFRESH_PROCESS_SECRETS_H_
#define PRELOAD_REFRESH_PROCESS_SECRETS_H_

namespace forkserver {

class ProcessSecrets {
 public:
  // Where they are; the same in all forks.
  static ProcessSecrets Find();

  // 0, or getrandom's errno, and nothing is changed.
  int Refresh() const;

 private:
  void* at_random_ = nullptr;  // null: the kernel gave none
};

}  // namespace forkserver

#endif  // PRELOAD_REFRESH_PROCESS_SECRETS_H_
