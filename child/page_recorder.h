// Has an early child of a template record which pages it touched; nothing in all others.
//
//     context.recorder.FirstWorkDone();      // in a program whose type is recorded to there
//
// Types are recorded up to Ready, unless their row (process_types.h) says that their first work
// counts too; those call FirstWorkDone once when it is done, and the blanks that are forked from
// then on have its pages ready.
//
// The record is on a page that this child shares with its template, and with no other child; it is
// unmapped as soon as it is written.
#ifndef CHILD_PAGE_RECORDER_H_
#define CHILD_PAGE_RECORDER_H_

#include "child/touched_pages.h"

namespace forkserver {

class PageRecorder {
 public:
  // Null: this child records nothing.
  explicit PageRecorder(TouchedPages* record) : record_(record) {}
  PageRecorder(const PageRecorder&) = delete;
  PageRecorder& operator=(const PageRecorder&) = delete;

  void FirstWorkDone();

 private:
  TouchedPages* record_;
};

}  // namespace forkserver

#endif  // CHILD_PAGE_RECORDER_H_
