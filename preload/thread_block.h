// What the C library and the kernel keep of a thread in its own memory, and how a process that is
// forked by a raw clone3 gets it right without paying for it before it is Ready.
//
//     const ThreadBlock block = ThreadBlock::Find();     // main's first statement
//     block.Quiet();                                     // in a template, before its loop
//     block.Restore();                                   // in its child, before its program runs
//
// Three things: the tid that glibc caches (a raw clone leaves the parent's), the list of robust
// mutexes (a clone clears it), and the area of restartable sequences (rseq), which the kernel
// writes each time that it puts the thread on a processor. Each write is a page that a fresh child
// must copy (2.5 us), and after each fork the template must too: so a template gives its rseq up,
// and a child writes all of it when the host has heard that it is Ready, while the host wakes up.
// Handlers of pthread_atfork do not run.
//
// Linux 5.x, glibc 2.35 for rseq; what is missing is left out.
#ifndef PRELOAD_THREAD_BLOCK_H_
#define PRELOAD_THREAD_BLOCK_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace forkserver {

class ThreadBlock {
 public:
  // Of the calling thread. Inherited by forked children.
  static ThreadBlock Find();

  // Null: glibc's cached tid cannot be kept right (CONFIG_CHECKPOINT_RESTORE is missing), so a
  // child's recursive and error-checking mutexes carry its template's tid.
  pid_t* tid() const { return tid_; }

  // False: the kernel keeps writing there.
  bool Quiet() const;
  void Restore() const;

  // Where libc (errno) and the kernel (rseq) write as long as the thread is not quiet: addresses.
  struct Extent {
    uintptr_t start;
    uintptr_t end;
  };
  Extent extent() const;

 private:
  pid_t* tid_ = nullptr;
  void* robust_list_ = nullptr;
  size_t robust_list_size_ = 0;
  void* rseq_ = nullptr;
};

}  // namespace forkserver

#endif  // PRELOAD_THREAD_BLOCK_H_
