// Asks all children of a program with the process model for their own figures, once.
//
//     round = OwnMemoryRound::Start(parent, absl::Seconds(1), [&](const auto& answers) {
//       AddOwnFigures(answers, report);
//     });
//
// Calls back when all have answered, or when the patience is over: who has not by then is in it as
// such ("has not answered within 1s"). One that owes the answer to an earlier round is not asked
// again, so that one which hangs has one question in its queue and not a thousand.
//
// Ownership: borrows the parent; destroying it ends it without a word, also in its own callback.
// Threads: that of the parent's loop.
#ifndef FORKSERVER_REPORT_OWN_MEMORY_ROUND_H_
#define FORKSERVER_REPORT_OWN_MEMORY_ROUND_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/report/own_figures.h"
#include "forkserver/report/process_report.h"
#include "transceiver/event_loop.h"

namespace forkserver {

class OwnMemoryRound {
 public:
  using Answers = std::map<ChildId, absl::StatusOr<OwnFigures>>;

  // Never calls back before it has returned.
  static std::unique_ptr<OwnMemoryRound> Start(ParentProcess& parent, absl::Duration patience,
                                               std::function<void(const Answers& answers)> done);
  OwnMemoryRound(const OwnMemoryRound&) = delete;
  OwnMemoryRound& operator=(const OwnMemoryRound&) = delete;
  ~OwnMemoryRound();

 private:
  OwnMemoryRound(ParentProcess& parent, std::function<void(const Answers& answers)> done)
      : parent_(parent), done_(std::move(done)) {}

  void FinishAt(int64_t when);
  void Finish();

  ParentProcess& parent_;
  std::function<void(const Answers& answers)> done_;
  Answers answers_;
  size_t missing_ = 0;
  EventLoop::TimerId timer_ = 0;
  // Answers may come after it.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// To the processes of the report that were asked.
void AddOwnFigures(const OwnMemoryRound::Answers& answers, ProcessReport& report);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_OWN_MEMORY_ROUND_H_
