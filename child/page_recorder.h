// Has an early child of a template record which pages it touched; nothing in all others.
//
//     context.recorder.Started();            // in a program that has start steps
//     context.recorder.FirstWorkDone();      // in a program whose type is recorded to there
//
// Every type is recorded up to Ready. A program with start steps (child/process/child_process.h) is
// recorded once more when it has done those that are the same in all children of its type: before
// it has looked at anything that is its own. Where the type's row (process_types.h) says that its
// first work counts too, what that reads is recorded when the program says that it is done, or when
// Run returns. Later children of the template have those pages sooner.
//
// The first child of a template rehearses, if its program can: does as a step of its start what the
// first work of all would do, on nothing of anybody's. So what a first work touches is recorded,
// and tells nothing of any.
//
// The record is on pages that this child shares with its template, and with no other child; they
// are unmapped as soon as there is nothing more to record. Recording opens /proc/self/pagemap for a
// moment.
#ifndef CHILD_PAGE_RECORDER_H_
#define CHILD_PAGE_RECORDER_H_

#include "child/process_types.h"
#include "child/touched_pages.h"

namespace forkserver {

struct PageRecord {
  bool rehearses = false;  // by the template's word
  TouchedPages at_ready;
  TouchedPages later;  // at the end of the start steps, or of the first work
};

class PageRecorder {
 public:
  // Null: this child records nothing.
  explicit PageRecorder(PageRecord* record) : record_(record) {}
  PageRecorder(const PageRecorder&) = delete;
  PageRecorder& operator=(const PageRecorder&) = delete;

  // The child's own call, when it is Ready.
  void Ready(RecordedUntil until);

  // Whether this child is to rehearse, before it calls Started.
  bool Rehearses() const {
    return record_ != nullptr && record_->rehearses && until_ == RecordedUntil::kStarted;
  }

  // Each does nothing unless it is what Ready was told to record until.
  void Started() { RecordLater(RecordedUntil::kStarted, Recorded::kAll); }
  void FirstWorkDone() { RecordLater(RecordedUntil::kFirstWork, Recorded::kRead); }

 private:
  void RecordLater(RecordedUntil at, Recorded what);

  PageRecord* record_;
  RecordedUntil until_ = RecordedUntil::kReady;
};

}  // namespace forkserver

#endif  // CHILD_PAGE_RECORDER_H_
