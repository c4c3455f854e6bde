#include "forkserver/server/page_learner.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <new>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {

PageLearner::PageLearner(std::span<uint8_t> room) : pages_(new (room.data()) TouchedPages) {}

PageLearner::~PageLearner() {
  for (Open& open : open_) Drop(open);
}

FORKSERVER_LAUNCH_PATH PageRecord* PageLearner::BeforeFork() {
  if (open_count_ > 0) Collect();
  if (asked_ == kChildren) return nullptr;
  // Raw calls: libc's would write errno, on a page that is frozen.
  const long pages = RawSyscall(SYS_mmap, nullptr, sizeof(PageRecord), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (pages < 0) return nullptr;
  ++open_count_;
  auto* const record = new (reinterpret_cast<void*>(pages)) PageRecord;
  record->rehearses = asked_ == 0;
  return open_[asked_++].record = record;
}

void PageLearner::AfterFork() {
  // The next child has no business with what this one writes.
  Open& open = open_[asked_ - 1];
  if (RawSyscall(SYS_madvise, open.record, sizeof(PageRecord), MADV_DONTFORK) == 0) return;
  Drop(open);
  --open_count_;
}

void PageLearner::Collect() {
  for (Open& open : std::span(open_).first(static_cast<size_t>(asked_))) {
    if (open.record == nullptr) continue;
    if (!open.has_ready && open.record->at_ready.is_complete.load(std::memory_order_acquire)) {
      open.has_ready = true;
      Read(open.record->at_ready);
    }
    if (!open.record->later.is_complete.load(std::memory_order_acquire)) continue;
    Read(open.record->later);
    Drop(open);
    --open_count_;
  }
}

// The memory is shared still, and its writer may be anybody by now: each field is read once and
// then checked.
void PageLearner::Read(const TouchedPages& from) {
  TouchedPages copy;
  const uint32_t told = *const_cast<const volatile uint32_t*>(&from.count);
  const uint32_t count = std::min(told, TouchedPages::kMaxRuns);
  for (uint32_t i = 0; i < count; ++i) {
    const volatile PageRun& run = from.runs[i];
    const PageAccess access = run.access;
    if (access > PageAccess::kReadFolio) continue;
    copy.Add(run.start, run.pages, access);
  }
  AddTouchedPages(*pages_, copy);
  has_learned_ = true;
}

void PageLearner::Drop(Open& open) {
  if (open.record == nullptr) return;
  RawSyscall(SYS_munmap, open.record, sizeof(PageRecord));
  open.record = nullptr;
}

}  // namespace forkserver
