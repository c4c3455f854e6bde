// What the sandbox refused, for the host to read: the last so many records.
//
//     for (const RefusedCall& call : reporter.Since(last_seen)) puts(ToString(call).c_str());
//
// A child that does nothing but what is refused must cost neither memory nor the records of others:
// the ring is bounded (the oldest goes first, and is counted), and each child has a budget, of
// which its RefusalBudget is the state. What is over it is counted, and the child's next record
// tells how much.
//
// Threads: any. Nothing is printed here, but with PrintsRefusals::kYes to stderr, by Print, without
// a lock held.
#ifndef FORKSERVER_HOST_BROKER_SANDBOX_REPORTER_H_
#define FORKSERVER_HOST_BROKER_SANDBOX_REPORTER_H_

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "forkserver/host/broker/refused_call.h"
#include "transceiver/token_bucket.h"

namespace forkserver {

enum class PrintsRefusals : uint8_t { kNo, kYes };

struct ReporterOptions {
  size_t max_records = 1024;
  TokenRate of_one_child = {.burst = 20, .per_second = 10};
  PrintsRefusals prints = PrintsRefusals::kNo;
  // Told of each refusal, those over a child's budget too, before it has a name
  // (RefusedCall::call). On the broker's threads, perhaps on both at once; it must not wait.
  std::function<void(const RefusedCall& record)> on_refused = {};
};

// Of one child; guarded by the reporter.
class RefusalBudget {
 public:
  RefusalBudget() = default;
  RefusalBudget(const RefusalBudget&) = delete;
  RefusalBudget& operator=(const RefusalBudget&) = delete;

 private:
  friend class SandboxReporter;

  TokenBucket records_;
  uint64_t suppressed_ = 0;
};

class SandboxReporter {
 public:
  explicit SandboxReporter(const ReporterOptions& options = {}) : options_(options) {}

  // Whether it was kept. Sets the record's sequence, `suppressed` and, if it is empty, the call's
  // name; its time is what the budget goes by.
  bool Add(RefusedCall& record, RefusalBudget& budget);

  // One line to stderr, if that is wanted.
  void Print(const RefusedCall& record) const;

  // All that are kept, the oldest first.
  std::vector<RefusedCall> Snapshot() const { return Since(0); }
  // Those after the one with this sequence number. They stay: there may be several readers.
  std::vector<RefusedCall> Since(uint64_t sequence) const;
  // The last ones of one process, none of a time before `since`; no others are copied.
  std::vector<RefusedCall> LastOf(pid_t pid, int64_t since, size_t most) const;

  // Records that made room for newer ones, and those over a child's budget; since the start.
  uint64_t dropped() const;
  uint64_t suppressed() const;

 private:
  const ReporterOptions options_;
  mutable std::mutex mutex_;
  std::deque<RefusedCall> records_;
  uint64_t last_sequence_ = 0;
  uint64_t dropped_ = 0;
  uint64_t suppressed_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_SANDBOX_REPORTER_H_
