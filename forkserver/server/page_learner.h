// Learns from early children of a template which pages its blanks should have ahead
// (child/touched_pages.h).
//
//     PageRecord* record = learner.BeforeFork();        // null: nothing more to learn
//     ...clone; the child gets `record`...
//     learner.AfterFork();                              // in the template
//     if (const TouchedPages* pages = learner.pages()) ...
//
// Each of the first kChildren children records on pages that it shares with the template alone;
// what any of them has touched is what blanks are given: one page too many costs a blank 2 us of
// its idle time, one too few costs a launch as much. The first of them rehearses (page_recorder.h).
// Records come when they come: a child's first work may end long after the next fork.
//
// What is learned lies in memory that the template's children have too. No allocation.
#ifndef FORKSERVER_SERVER_PAGE_LEARNER_H_
#define FORKSERVER_SERVER_PAGE_LEARNER_H_

#include <stdint.h>

#include <span>

#include "child/page_recorder.h"

namespace forkserver {

class PageLearner {
 public:
  static constexpr int kChildren = 6;

  // `room`: for a TouchedPages.
  explicit PageLearner(std::span<uint8_t> room);
  PageLearner(const PageLearner&) = delete;
  PageLearner& operator=(const PageLearner&) = delete;
  ~PageLearner();

  PageRecord* BeforeFork();
  void AfterFork();

  // Null until something has been learned.
  const TouchedPages* pages() const { return has_learned_ ? pages_ : nullptr; }

 private:
  struct Open {
    PageRecord* record = nullptr;
    bool has_ready = false;  // its first part has been read
  };

  void Collect();
  void Read(const TouchedPages& from);
  static void Drop(Open& open);

  Open open_[kChildren];
  int asked_ = 0;
  int open_count_ = 0;
  bool has_learned_ = false;
  TouchedPages* const pages_;
};

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_PAGE_LEARNER_H_
