#include "forkserver/model/deferred_log.h"

#include <utility>

#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace forkserver {

DeferredLog::DeferredLog(EventLoop& loop, Reader reader)
    : loop_(loop), reader_(std::move(reader)) {}

DeferredLog::~DeferredLog() {
  if (turn_ != 0) loop_.CancelTimer(turn_);
  ReadAll();
}

void DeferredLog::Write(std::string_view line) {
  if (!reader_) return;
  lines_.push_back(OneLine(line));
  if (turn_ == 0) turn_ = loop_.AddTimer(NowNanos(), [this] { ReadAll(); });
}

void DeferredLog::ReadAll() {
  turn_ = 0;
  // On the stack: the first line may be the end of this.
  const Reader reader = reader_;
  const std::vector<std::string> lines = std::exchange(lines_, {});
  for (const std::string& line : lines) reader(line);
}

}  // namespace forkserver
