#include "forkserver/report/own_memory_round.h"

#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "child/process/own_memory.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

OwnFigures FiguresOf(const OwnMemory& memory) {
  OwnFigures figures = {.malloc_arenas = memory.malloc_arenas,
                        .malloc_in_use = memory.malloc_in_use,
                        .malloc_free = memory.malloc_free,
                        .left_out = memory.left_out};
  for (const OwnFigure& one : memory.figures.items) {
    figures.figures.emplace_back(OneLine(one.path.view()), one.bytes);
  }
  return figures;
}

}  // namespace

std::unique_ptr<OwnMemoryRound> OwnMemoryRound::Start(
    ParentProcess& parent, absl::Duration patience,
    std::function<void(const Answers& answers)> done) {
  std::unique_ptr<OwnMemoryRound> round(new OwnMemoryRound(parent, std::move(done)));
  const absl::Status late = absl::DeadlineExceededError(
      absl::StrFormat("has not answered within %s", absl::FormatDuration(patience)));
  for (ProcessHostCore* const host : parent.processes()) {
    if (host->process() == nullptr) continue;
    const ChildId id = host->id();
    round->answers_.emplace(id, late);
    ++round->missing_;
    host->AskOwnMemory(
        [round = round.get(), alive = round->alive_, id](const absl::StatusOr<OwnMemory>& memory) {
          if (!*alive) return;
          if (memory.ok()) {
            round->answers_.insert_or_assign(id, FiguresOf(*memory));
          } else {
            round->answers_.insert_or_assign(id, memory.status());
          }
          if (--round->missing_ == 0) round->FinishAt(NowNanos());
        });
  }
  if (round->missing_ == 0) {
    round->FinishAt(NowNanos());
  } else {
    round->FinishAt(DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(patience)));
  }
  return round;
}

OwnMemoryRound::~OwnMemoryRound() {
  *alive_ = false;
  if (timer_ != 0) parent_.loop().CancelTimer(timer_);
}

// In a turn of its own: an answer's callback is no place to destroy hosts in.
void OwnMemoryRound::FinishAt(int64_t when) {
  if (timer_ != 0) parent_.loop().CancelTimer(timer_);
  timer_ = parent_.loop().AddTimer(when, [this] { Finish(); });
}

void OwnMemoryRound::Finish() {
  timer_ = 0;
  // What comes from here on is for nobody.
  *alive_ = false;
  // Out of the members, since it may destroy this.
  const Answers answers = std::move(answers_);
  const auto done = std::move(done_);
  done(answers);
}

void AddOwnFigures(const OwnMemoryRound::Answers& answers, ProcessReport& report) {
  for (ReportedProcess& process : report.processes) {
    const auto found = answers.find(process.child_id);
    if (found != answers.end()) process.own = found->second;
  }
}

}  // namespace forkserver
