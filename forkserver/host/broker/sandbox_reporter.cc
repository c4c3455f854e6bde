#include "forkserver/host/broker/sandbox_reporter.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace forkserver {

bool SandboxReporter::Add(RefusedCall& record, RefusalBudget& budget) {
  if (options_.on_refused) options_.on_refused(record);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!budget.records_.Take(options_.of_one_child, record.time)) {
    ++budget.suppressed_;
    ++suppressed_;
    return false;
  }
  if (record.call.empty()) record.call = CallName(record.architecture, record.number);
  record.sequence = ++last_sequence_;
  record.suppressed = budget.suppressed_;
  budget.suppressed_ = 0;
  records_.push_back(record);
  while (records_.size() > options_.max_records) {
    records_.pop_front();
    ++dropped_;
  }
  return true;
}

void SandboxReporter::Print(const RefusedCall& record) const {
  if (options_.prints == PrintsRefusals::kNo) return;
  const std::string line = ToString(record) + "\n";
  // In one piece, so that lines of several threads do not mix; lost where stderr takes none now: a
  // reader that has stopped must not stop the broker.
  pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&room, 1, 0) <= 0 || (room.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

std::vector<RefusedCall> SandboxReporter::Since(uint64_t sequence) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<RefusedCall> records;
  for (const RefusedCall& record : records_) {
    if (record.sequence > sequence) records.push_back(record);
  }
  return records;
}

std::vector<RefusedCall> SandboxReporter::LastOf(pid_t pid, int64_t since, size_t most) const {
  std::vector<RefusedCall> records;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = records_.rbegin(); it != records_.rend() && records.size() < most; ++it) {
    if (it->pid == pid && it->time >= since) records.push_back(*it);
  }
  std::reverse(records.begin(), records.end());
  return records;
}

uint64_t SandboxReporter::dropped() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

uint64_t SandboxReporter::suppressed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return suppressed_;
}

}  // namespace forkserver
