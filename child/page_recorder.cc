#include "child/page_recorder.h"

#include <sys/syscall.h>

#include <utility>

#include "transceiver/raw_syscall.h"

namespace forkserver {

void PageRecorder::FirstWorkDone() {
  TouchedPages* const record = std::exchange(record_, nullptr);
  if (record == nullptr) return;
  RecordTouchedPages(*record);
  RawSyscall(SYS_munmap, record, sizeof(*record));
}

}  // namespace forkserver
