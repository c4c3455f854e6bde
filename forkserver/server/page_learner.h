// Learns from early children of a template which pages its blanks should have ahead
// (child/touched_pages.h).
//
//     TouchedPages* record = learner.BeforeFork();      // null: nothing more to learn
//     ...clone; the child gets `record`...
//     learner.AfterFork();                              // in the template
//     if (learner.Learned()) ...learner.pages()...
//
// Each of the first children records on a page that it shares with the template alone; what any of
// them has touched is what blanks are given: one page too many costs a blank 2 us of its idle time,
// one too few costs a launch as much. A child that dies without a record is passed over; after
// kMaxTries of them nothing more is learned.
//
// What is learned lies in memory that the template's children have too. No allocation.
#ifndef FORKSERVER_SERVER_PAGE_LEARNER_H_
#define FORKSERVER_SERVER_PAGE_LEARNER_H_

#include <stdint.h>

#include <span>

#include "child/touched_pages.h"

namespace forkserver {

class PageLearner {
 public:
  static constexpr int kMaxTries = 8;
  static constexpr int kRecordsWanted = 3;

  // `room`: for a TouchedPages.
  explicit PageLearner(std::span<uint8_t> room);
  PageLearner(const PageLearner&) = delete;
  PageLearner& operator=(const PageLearner&) = delete;
  ~PageLearner();

  TouchedPages* BeforeFork();
  void AfterFork();

  // Null until enough has been learned.
  const TouchedPages* pages() const { return records_ == kRecordsWanted ? pages_ : nullptr; }

 private:
  void Collect();
  void Drop(TouchedPages*& record);

  // Records that children are writing; unmapped when they are read.
  TouchedPages* open_[kMaxTries] = {};
  int tries_ = 0;
  int records_ = 0;
  TouchedPages* const pages_;
};

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_PAGE_LEARNER_H_
