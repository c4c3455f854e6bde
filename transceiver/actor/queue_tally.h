// What of a channel's queue are answers, and how many descriptors are in it.
//
//     tally.Leave(channel.queued_messages());             // what went out since
//     channel.SendParts(frame, payload, descriptors);
//     if (channel.queued_messages() > tally.size()) tally.Add({.descriptors = descriptors.size()});
//
// The queue is first in, first out, and nothing but the link puts anything into it: its length
// alone says what has left. Threads: as a value.
#ifndef TRANSCEIVER_ACTOR_QUEUE_TALLY_H_
#define TRANSCEIVER_ACTOR_QUEUE_TALLY_H_

#include <stddef.h>

#include <deque>

namespace forkserver {

class QueueTally {
 public:
  enum class Kind : unsigned char { kAnswer, kOther };
  struct Entry {
    Kind kind = Kind::kOther;
    size_t bytes = 0;
    size_t descriptors = 0;
  };

  void Add(const Entry& entry) {
    entries_.push_back(entry);
    ++size_;
    descriptors_ += entry.descriptors;
    if (entry.kind == Kind::kOther) return;
    ++answers_;
    answer_bytes_ += entry.bytes;
  }
  // The last `count` are still there.
  void Leave(size_t count) {
    for (; size_ > count; --size_) {
      const Entry& gone = entries_.front();
      descriptors_ -= gone.descriptors;
      if (gone.kind == Kind::kAnswer) {
        --answers_;
        answer_bytes_ -= gone.bytes;
      }
      entries_.pop_front();
    }
  }

  size_t size() const { return size_; }
  size_t answers() const { return answers_; }
  size_t answer_bytes() const { return answer_bytes_; }
  size_t descriptors() const { return descriptors_; }

 private:
  std::deque<Entry> entries_;
  size_t size_ = 0;  // of entries_, which a deque computes each time
  size_t answers_ = 0;
  size_t answer_bytes_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_QUEUE_TALLY_H_
