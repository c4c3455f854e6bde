// What a host under thread sanitizer exec's, by the linker's --wrap: not the program that it is,
// but the one beside it, NAME.templates, which is built without it (host_test.bzl). The rest is for
// the sanitizer to see what it would not see. The host does what it always does.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/status/internal/status_internal.h"
#include "absl/status/statusor.h"
#include "forkserver/host/self_exec.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

std::string TemplatesProgram() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return std::string(path, size > 0 ? static_cast<size_t>(size) : 0) + ".templates";
}

// The sanitizer makes its thread with the program's first, and until then Start would fork.
[[maybe_unused]] const bool kHasTheSanitizersThread = [] {
  std::thread([] {}).join();
  return true;
}();

}  // namespace
}  // namespace forkserver

extern "C" {

using forkserver::SelfImage;
using forkserver::UniqueFd;

// SelfImage::Pin.
absl::StatusOr<SelfImage> __real__ZN10forkserver9SelfImage3PinEPKc(const char* name);
absl::StatusOr<SelfImage> __wrap__ZN10forkserver9SelfImage3PinEPKc(const char* name);
absl::StatusOr<SelfImage> __wrap__ZN10forkserver9SelfImage3PinEPKc(const char* name) {
  absl::StatusOr<SelfImage> image = __real__ZN10forkserver9SelfImage3PinEPKc(name);
  // Not where the test has taken the program from its host.
  if (!image.ok() || !image->program.is_open()) return image;
  image->program.reset(open(forkserver::TemplatesProgram().c_str(), O_PATH | O_CLOEXEC));
  if (!image->program.is_open()) image->why_not_pinned = errno;
  return image;
}

// UniqueFd::reset: its raw system call is one that the sanitizer does not see. It would take the
// next descriptor of that number for the one that was closed.
void __real__ZN10forkserver8UniqueFd5resetEi(UniqueFd* self, int fd);
void __wrap__ZN10forkserver8UniqueFd5resetEi(UniqueFd* self, int fd);
void __wrap__ZN10forkserver8UniqueFd5resetEi(UniqueFd* self, int fd) {
  if (self->is_open() && self->get() != fd) {
    const int error = errno;
    if (close(self->release()) != 0 && errno == EBADF) abort();
    errno = error;
  }
  __real__ZN10forkserver8UniqueFd5resetEi(self, fd);
}

// absl::Status::UnrefNonInlined: the library is built without the sanitizer, which would see
// neither its count go down nor in which order.
void __real__ZN4absl7debian36Status15UnrefNonInlinedEm(uintptr_t tagged);
void __wrap__ZN4absl7debian36Status15UnrefNonInlinedEm(uintptr_t tagged);
void __wrap__ZN4absl7debian36Status15UnrefNonInlinedEm(uintptr_t tagged) {
  std::atomic<int32_t>& count =
      reinterpret_cast<absl::status_internal::StatusRep*>(tagged - 1)->ref;
  if (count.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  count.store(1, std::memory_order_relaxed);
  __real__ZN4absl7debian36Status15UnrefNonInlinedEm(tagged);
}

// The sanitizer takes every clone for a fork: it would reset its locks and forget all threads but
// one in the child, which here is in the host's own memory, as vfork's is.
int __clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
void __tsan_ignore_thread_begin();
void __tsan_ignore_thread_end();
int __wrap_clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
int __wrap_clone(int (*run)(void*), void* stack, int flags, void* argument, ...) {
  va_list rest;
  va_start(rest, argument);
  int* const parent_tid = va_arg(rest, int*);
  void* const thread_block = va_arg(rest, void*);
  void* const child_tid = va_arg(rest, void*);
  va_end(rest);
  // The descriptors that the child puts in their places are the child's own.
  __tsan_ignore_thread_begin();
  const int pid = __clone(run, stack, flags, argument, parent_tid, thread_block, child_tid);
  const int error = errno;
  __tsan_ignore_thread_end();
  errno = error;
  return pid;
}

}  // extern "C"
