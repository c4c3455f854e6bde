#include "forkserver/host/broker/child_registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "transceiver/clock.h"
#include "transceiver/read_text.h"

namespace forkserver::broker_internal {
namespace {

constexpr size_t kMaxKnownThreads = 1024;  // of one child

// The number of a thread that ended may be another process's by now.
bool IsThreadOf(pid_t tid, pid_t pid) {
  return syscall(SYS_tgkill, pid, tid, 0) == 0 || errno != ESRCH;
}

}  // namespace

pid_t ProcessOf(pid_t tid) {
  char path[sizeof("/proc//status") + 11];
  snprintf(path, sizeof(path), "/proc/%d/status", tid);
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return errno == ENOENT ? -ESRCH : -errno;
  char text[1024];
  const long size = ReadText(file.get(), text, sizeof(text) - 1);
  if (size <= 0) return size < 0 ? static_cast<pid_t>(size) : -ESRCH;
  text[size] = 0;
  const char* const line = strstr(text, "\nTgid:");
  return line == nullptr ? -ESRCH
                         : static_cast<pid_t>(strtol(line + strlen("\nTgid:"), nullptr, 10));
}

void ChildRegistry::Add(std::shared_ptr<Child> child) {
  std::shared_ptr<Child>& place = children_[child->pid];
  if (place != nullptr) ForgetThreads(*place);
  place = std::move(child);
}

void ChildRegistry::Remove(Child& child) {
  const auto found = children_.find(child.pid);
  if (found == children_.end() || found->second.get() != &child) return;
  ForgetThreads(child);
  children_.erase(found);
}

void ChildRegistry::ForgetThreads(Child& child) {
  for (const pid_t tid : child.threads) threads_.erase(tid);
  child.threads.clear();
}

std::shared_ptr<Child> ChildRegistry::Find(pid_t pid, const ServedListener& served) const {
  const auto found = children_.find(pid);
  const bool is_its = found != children_.end() && found->second->served.get() == &served;
  return is_its ? found->second : nullptr;
}

std::shared_ptr<Child> ChildRegistry::FindByThread(const Call& call) const {
  const pid_t tid = call.tid();
  pid_t pid = tid;
  if (!children_.contains(tid)) {
    const auto thread = threads_.find(tid);
    if (thread == threads_.end() || !IsThreadOf(tid, thread->second)) return nullptr;
    pid = thread->second;
  }
  return Find(pid, *call.served);
}

std::shared_ptr<Child> ChildRegistry::FindByProcess(const Call& call) {
  const std::shared_ptr<Child> child = Find(call.pid, *call.served);
  if (child != nullptr && call.pid != call.tid()) {
    // A child that makes thread after thread must not fill our memory.
    if (child->threads.size() >= kMaxKnownThreads) ForgetThreads(*child);
    // A number that was another child's thread before is this one's now.
    if (threads_.insert_or_assign(call.tid(), call.pid).second) {
      child->threads.push_back(call.tid());
    }
  }
  return child;
}

bool ChildRegistry::Wait(Call call, int64_t deadline) {
  if (waiting_.size() >= most_waiting_) return false;
  waiting_.push_back({std::move(call), deadline});
  return true;
}

bool ChildRegistry::IsWaitedFor(pid_t pid) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const WaitingCall& one) { return one.call.pid == pid; });
}

int64_t ChildRegistry::first_deadline() const {
  int64_t first = kNever;
  for (const WaitingCall& one : waiting_) first = std::min(first, one.deadline);
  return first;
}

std::vector<ChildRegistry::WaitingCall> ChildRegistry::TakeDue() {
  std::vector<WaitingCall> due;
  if (waiting_.empty()) return due;
  const int64_t now = NowNanos();
  std::erase_if(waiting_, [&](WaitingCall& one) {
    one.call.child = Find(one.call.pid, *one.call.served);
    if (one.call.child == nullptr && one.deadline > now) return false;
    due.push_back(one);
    return true;
  });
  return due;
}

void ChildRegistry::PutBack(const std::vector<WaitingCall>& due, size_t first) {
  waiting_.insert(waiting_.end(), due.begin() + static_cast<ptrdiff_t>(first), due.end());
}

void ChildRegistry::Forget(const ServedListener& served) {
  std::erase_if(waiting_, [&](const WaitingCall& one) { return one.call.served.get() == &served; });
}

}  // namespace forkserver::broker_internal
