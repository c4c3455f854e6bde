#include "forkserver/server/page_learner.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <new>

#include "transceiver/raw_syscall.h"

namespace forkserver {

PageLearner::PageLearner(std::span<uint8_t> room) : pages_(new (room.data()) TouchedPages) {}

PageLearner::~PageLearner() {
  for (TouchedPages*& record : open_) Drop(record);
}

TouchedPages* PageLearner::BeforeFork() {
  if (records_ == kRecordsWanted) return nullptr;
  Collect();
  if (records_ == kRecordsWanted || tries_ == kMaxTries) return nullptr;
  void* const page = mmap(nullptr, sizeof(TouchedPages), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  return open_[tries_++] = new (page) TouchedPages;
}

void PageLearner::AfterFork() {
  // The next child has no business with what this one writes.
  if (tries_ == 0 || open_[tries_ - 1] == nullptr) return;
  madvise(open_[tries_ - 1], sizeof(TouchedPages), MADV_DONTFORK);
}

void PageLearner::Collect() {
  for (int i = 0; i < tries_ && records_ < kRecordsWanted; ++i) {
    TouchedPages*& record = open_[i];
    if (record == nullptr || !record->is_complete.load(std::memory_order_acquire)) continue;
    // Read once: it is on shared memory still, and its writer may be anybody by now.
    TouchedPages copy;
    const uint32_t told = *const_cast<volatile uint32_t*>(&record->count);
    const uint32_t count = std::min(told, TouchedPages::kMaxRuns);
    for (uint32_t run = 0; run < count; ++run) {
      const PageRun& source = record->runs[run];
      if (!copy.Add(source.start, source.pages, source.access)) break;
    }
    Drop(record);
    AddTouchedPages(*pages_, copy);
    ++records_;
  }
  if (records_ < kRecordsWanted) return;
  for (TouchedPages*& record : open_) Drop(record);
}

void PageLearner::Drop(TouchedPages*& record) {
  if (record == nullptr) return;
  munmap(record, sizeof(TouchedPages));
  record = nullptr;
}

}  // namespace forkserver
