#include "preload/thread_block.h"

#include <errno.h>
#include <linux/rseq.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include <algorithm>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

// As much as glibc registers: the first version of the area.
constexpr size_t kRseqBytes = 32;

}  // namespace

ThreadBlock ThreadBlock::Find() {
  ThreadBlock block;
  int* tid = nullptr;
  if (prctl(PR_GET_TID_ADDRESS, &tid) == 0) block.tid_ = tid;
  RawSyscall(SYS_get_robust_list, 0, &block.robust_list_, &block.robust_list_size_);
  // Zero where glibc.pthread.rseq=0 or the kernel has none.
  if (__rseq_size != 0) {
    block.rseq_ = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  }
  return block;
}

bool ThreadBlock::Quiet() const {
  if (rseq_ == nullptr) return true;
  return RawSyscall(SYS_rseq, rseq_, kRseqBytes, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0;
}

FORKSERVER_LAUNCH_PATH void ThreadBlock::Restore() const {
  if (tid_ != nullptr) *tid_ = static_cast<pid_t>(RawSyscall(SYS_gettid));
  RawSyscall(SYS_set_robust_list, robust_list_, robust_list_size_);
  // EBUSY: it is registered, in a process that did not come from a template.
  if (rseq_ != nullptr) RawSyscall(SYS_rseq, rseq_, kRseqBytes, 0, RSEQ_SIG);
}

ThreadBlock::Extent ThreadBlock::extent() const {
  // Both belong to the block where they are near the thread pointer; errno of a program that was
  // linked otherwise may be anywhere.
  constexpr uintptr_t kNear = 1 << 16;
  const uintptr_t thread = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  Extent extent = {thread, thread + sizeof(uintptr_t)};
  const auto include = [&](const void* place, size_t size) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(place);
    if (address + kNear < thread || address > thread + kNear) return;
    extent.start = std::min(extent.start, address);
    extent.end = std::max(extent.end, address + size);
  };
  include(&errno, sizeof(errno));
  if (rseq_ != nullptr) include(rseq_, kRseqBytes);
  return extent;
}

}  // namespace forkserver
