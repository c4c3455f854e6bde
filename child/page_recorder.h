// Has an early child of a template record which pages it touched; nothing in all others.
//
//     context.recorder.FirstWorkDone();      // in a program whose type is recorded to there
//
// Every type is recorded up to Ready. Where the type's row (process_types.h) says that its first
// work counts too, what that reads is recorded when the program says that it is done, or when Run
// returns; later children of the template have those pages sooner.
//
// The record is on pages that this child shares with its template, and with no other child; they
// are unmapped as soon as there is nothing more to record, which is before its program runs unless
// its first work counts. Recording opens /proc/self/pagemap for a moment.
#ifndef CHILD_PAGE_RECORDER_H_
#define CHILD_PAGE_RECORDER_H_

#include "child/process_types.h"
#include "child/touched_pages.h"

namespace forkserver {

struct PageRecord {
  TouchedPages at_ready;
  TouchedPages first_work;
};

class PageRecorder {
 public:
  // Null: this child records nothing.
  explicit PageRecorder(PageRecord* record) : record_(record) {}
  PageRecorder(const PageRecorder&) = delete;
  PageRecorder& operator=(const PageRecorder&) = delete;

  // The child's own call, when it is Ready.
  void Ready(RecordedUntil until);

  void FirstWorkDone();

 private:
  PageRecord* record_;
};

}  // namespace forkserver

#endif  // CHILD_PAGE_RECORDER_H_
