#include "child/page_recorder.h"

#include <sys/syscall.h>

#include <utility>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {

FORKSERVER_LAUNCH_PATH void PageRecorder::Ready(RecordedUntil until) {
  if (record_ == nullptr) return;
  // One that cannot be made (no descriptor free, a kernel without PAGEMAP_SCAN) is left empty.
  RecordTouchedPages(Recorded::kAll, record_->at_ready);
  until_ = until;
  if (until != RecordedUntil::kReady) return;
  record_->later.is_complete.store(true, std::memory_order_release);  // and empty
  RawSyscall(SYS_munmap, record_, sizeof(*record_));
  record_ = nullptr;
}

FORKSERVER_LAUNCH_PATH void PageRecorder::RecordLater(RecordedUntil at, Recorded what) {
  if (at != until_) return;
  PageRecord* const record = std::exchange(record_, nullptr);
  if (record == nullptr) return;
  RecordTouchedPages(what, record->later);
  record->later.is_complete.store(true, std::memory_order_release);
  RawSyscall(SYS_munmap, record, sizeof(*record));
}

}  // namespace forkserver
