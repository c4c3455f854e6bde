#include "forkserver/host/broker/broker_core.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "forkserver/host/broker/brokered_call.h"
#include "forkserver/host/broker/path_policy.h"
#include "forkserver/host/start_thread.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver::broker_internal {
namespace {

constexpr uint64_t kWakeUp = 0;  // in place of a listener's id, which begin at 1
constexpr absl::Duration kLongestDeadline = absl::Hours(24);

ReporterOptions WithEnvironment(ReporterOptions options) {
  const char* const wanted = getenv("FORKSERVER_SANDBOX_LOG");
  if (wanted != nullptr && std::string_view(wanted) == "1") options.prints = PrintsRefusals::kYes;
  return options;
}

// The waiting thread, as the file broker sees it.
class WaitingCaller : public Caller {
 public:
  WaitingCaller(const Call& call, Worker& worker)
      : Caller(call.pid, call.tid()), call_(call), worker_(worker) {}

  bool StillWaits() override { return call_.served->listener.IsWaiting(call_.notification.id); }
  bool BeginAnswer() override { return worker_.BeginAnswer() && StillWaits(); }

 private:
  const Call& call_;
  Worker& worker_;
};

}  // namespace

Core::Core(BrokerOptions options)
    : options_(std::move(options)),
      deadline_nanos_(absl::ToInt64Nanoseconds(std::min(options_.deadline, kLongestDeadline))),
      patience_nanos_(absl::ToInt64Nanoseconds(options_.registration_patience)),
      reporter_(WithEnvironment(options_.reporter)),
      registry_(options_.max_waiting_for_registration) {}

absl::StatusOr<std::shared_ptr<Core>> Core::Start(BrokerOptions options) {
  if (options.deadline <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("broker: a deadline of no time");
  }
  const auto core = std::make_shared<Core>(std::move(options));
  core->epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!core->epoll_.is_open()) return ErrnoStatus(errno, "epoll_create1");
  core->wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!core->wake_.is_open()) return ErrnoStatus(errno, "eventfd");
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = kWakeUp}};
  if (epoll_ctl(core->epoll_.get(), EPOLL_CTL_ADD, core->wake_.get(), &event) != 0) {
    return ErrnoStatus(errno, "epoll_ctl eventfd");
  }
  {
    const std::lock_guard<std::mutex> lock(core->mutex_);
    if (!core->StartWorker()) return ErrnoStatus(EAGAIN, "pthread_create");
  }
  if (!StartThread([core] { core->Watch(); }, core->watchdog_)) {
    core->Stop();
    return ErrnoStatus(EAGAIN, "pthread_create");
  }
  return core;
}

bool Core::Stop() {
  if (is_stopping_.exchange(true)) return true;
  Wake();
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.notify_all();
  for (const auto& [id, served] : listeners_) served->listener.Close();
  listeners_.clear();
  registry_.ForgetAllWaiting();
  const auto patience = std::chrono::nanoseconds(deadline_nanos_);
  changed_.wait_until(lock, std::chrono::steady_clock::now() + patience,
                      [this] { return !is_running_; });
  std::thread worker = std::move(worker_);
  const bool is_stuck = is_running_;
  lock.unlock();
  // A stuck one is left to itself: it owns what it needs, and can answer nobody.
  if (worker.joinable() && is_stuck) worker.detach();
  if (worker.joinable()) worker.join();
  if (watchdog_.joinable()) watchdog_.join();
  return !is_stuck;
}

void Core::Wake() {
  const uint64_t one = 1;
  // It fails only when the counter is full, and then it is readable anyway.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

absl::StatusOr<ListenerId> Core::Serve(UniqueFd listener,
                                       const std::vector<BrokerRules>& rulesets) {
  std::vector<Ruleset> compiled;
  for (const BrokerRules& rules : rulesets) {
    absl::StatusOr<PathPolicy> files = PathPolicy::Create(rules.files);
    if (!files.ok()) return files.status();
    compiled.push_back({rules.calls, *std::move(files)});
  }
  const int fd = listener.get();
  const auto served = std::make_shared<ServedListener>(std::move(listener), std::move(compiled));
  const int error = served->listener.Prepare();
  if (error != 0) return ErrnoStatus(error, absl::StrFormat("seccomp listener %d", fd));
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t id = ++last_listener_;
  listeners_.emplace(id, served);
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int failed = errno;
    listeners_.erase(id);
    return ErrnoStatus(failed, absl::StrFormat("epoll_ctl seccomp listener %d", fd));
  }
  return ListenerId{id};
}

void Core::StopServing(ListenerId id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = listeners_.find(static_cast<uint64_t>(id));
  if (found == listeners_.end()) return;
  const std::shared_ptr<ServedListener> served = found->second;
  listeners_.erase(found);
  registry_.Forget(*served);
  // Said explicitly: a descriptor that somebody else still has open would stay in the set.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, served->listener.get(), nullptr);
  served->listener.Close();
}

absl::StatusOr<std::shared_ptr<Child>> Core::Register(ListenerId id, pid_t pid, size_t ruleset,
                                                      ProcessType type) {
  auto child = std::make_shared<Child>();
  child->pid = pid;
  child->ruleset = ruleset;
  child->type = type;
  bool is_waited_for = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = listeners_.find(static_cast<uint64_t>(id));
    if (found == listeners_.end() || ruleset >= found->second->rulesets.size()) {
      return absl::NotFoundError(absl::StrCat("broker: pid ", pid, ": listener ",
                                              static_cast<uint64_t>(id), " has no ruleset ",
                                              ruleset));
    }
    child->served = found->second;
    registry_.Add(child);
    is_waited_for = registry_.IsWaitedFor(pid);
  }
  if (is_waited_for) Wake();
  return child;
}

void Core::Unregister(Child& child) {
  const std::lock_guard<std::mutex> lock(mutex_);
  registry_.Remove(child);
}

// --- the thread in charge

void Core::Work(const std::shared_ptr<Worker>& me) {
  while (!is_stopping_ && TakeTurn(me)) {
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (in_charge_ == me) {
    is_running_ = false;
    changed_.notify_all();
  }
}

bool Core::TakeTurn(const std::shared_ptr<Worker>& me) {
  epoll_event events[8];
  const int count = epoll_wait(epoll_.get(), events, std::size(events), MillisToWait());
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 == kWakeUp) {
      // At a stop it stays readable, for whoever comes after.
      uint64_t ignored;
      if (is_stopping_) return false;
      [[maybe_unused]] const ssize_t size = read(wake_.get(), &ignored, sizeof(ignored));
    } else if (!ReceiveOne(me, events[i].data.u64, events[i].events)) {
      return false;
    }
  }
  return ServeWaiting(me);
}

int Core::MillisToWait() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t first = registry_.first_deadline();
  if (first == kNever) return -1;
  const int64_t nanos = std::max<int64_t>(first - NowNanos(), 0);
  return static_cast<int>(std::min<int64_t>(nanos / kNanosPerMilli + 1, 60'000));
}

bool Core::ReceiveOne(const std::shared_ptr<Worker>& me, uint64_t id, uint32_t events) {
  Call call;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = listeners_.find(id);
    if (found == listeners_.end()) return true;
    call.served = found->second;
  }
  if ((events & EPOLLIN) == 0) {
    // Hung up: nobody is left who has that filter.
    StopServing(ListenerId{id});
    return true;
  }
  if (call.served->listener.Receive(call.notification) != 0) return true;
  return !FindChild(call) || HandleCall(me, call);
}

bool Core::FindChild(Call& call) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    call.child = registry_.FindByThread(call);
  }
  if (call.child == nullptr) {
    call.pid = ProcessOf(call.tid());
    // Only now is it known that the process was the caller's.
    if (!call.served->listener.IsWaiting(call.notification.id)) return false;
    std::unique_lock<std::mutex> lock(mutex_);
    call.child = registry_.FindByProcess(call);
    if (call.child == nullptr) {
      if (call.pid > 0 && registry_.Wait(call, DeadlineAfter(NowNanos(), patience_nanos_))) {
        return false;
      }
      lock.unlock();
      // What the host has run out of is not the caller's fault.
      const bool is_known = call.pid > 0 || call.pid == -ESRCH;
      Answer(call, CallOutcome::kUnknownCaller, is_known ? EPERM : -call.pid);
      return false;
    }
  }
  call.pid = call.child->pid;
  return true;
}

bool Core::ServeWaiting(const std::shared_ptr<Worker>& me) {
  std::vector<ChildRegistry::WaitingCall> due;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    due = registry_.TakeDue();
  }
  for (size_t i = 0; i < due.size(); ++i) {
    if (due[i].call.child == nullptr) {
      Answer(due[i].call, CallOutcome::kUnknownCaller, EPERM);
    } else if (!HandleCall(me, due[i].call)) {
      // The rest is for whoever is in charge now.
      const std::lock_guard<std::mutex> lock(mutex_);
      registry_.PutBack(due, i + 1);
      Wake();
      return false;
    }
  }
  return true;
}

bool Core::HandleCall(const std::shared_ptr<Worker>& me, Call& call) {
  const Ruleset& rules = call.served->rulesets[call.child->ruleset];
  // By another architecture's numbers the rules would be about other calls.
  const bool is_native = call.notification.data.arch == kNativeArchitecture;
  const CallAnswer answer = is_native
                                ? rules.calls.AnswerTo(call.notification.data.nr)
                                : CallAnswer{.kind = CallAnswer::Kind::kRefuse, .error = ENOSYS};
  switch (answer.kind) {
    case CallAnswer::Kind::kRefuse:
      Answer(call, CallOutcome::kRefused, answer.error);
      return true;
    case CallAnswer::Kind::kKill:
      Answer(call, CallOutcome::kKilled, EPERM);
      return true;
    case CallAnswer::Kind::kAsk:
      break;
  }
  if (stuck_ >= static_cast<int64_t>(options_.max_stuck_threads)) {
    Answer(call, CallOutcome::kTooBusy, EAGAIN);
    return true;
  }
  return CarryOut(me, call);
}

bool Core::CarryOut(const std::shared_ptr<Worker>& me, Call& call) {
  me->Begin(call);
  ++begun_;
  if (!watchdog_is_awake_.exchange(true)) WakeWatchdog();
  if (options_.before_operation) options_.before_operation(call.notification.data);
  WaitingCaller caller(call, *me);
  const PathPolicy& policy = call.served->rulesets[call.child->ruleset].files;
  FileAnswer answer = CarryOutCall(policy, caller, call.notification.data, options_.files);
  if (!answer.caller_is_gone && me->BeginAnswer()) {
    NotificationListener& listener = call.served->listener;
    const uint64_t id = call.notification.id;
    if (answer.refusal == Refusal::kByRules) {
      Answer(call, CallOutcome::kRefused, answer.error, std::move(answer.path));
    } else if (answer.descriptor.is_open()) {
      const int error =
          listener.AnswerWithDescriptor(id, answer.descriptor.get(), answer.descriptor_flags);
      // The child has no room for it: EMFILE.
      if (error != 0 && error != ENOENT) listener.Answer(id, 0, error);
    } else {
      listener.Answer(id, answer.value, answer.error);
    }
  }
  if (me->End()) return true;
  --stuck_;
  return false;
}

void Core::Answer(Call& call, CallOutcome outcome, int error, std::string path) {
  RefusedCall record = DescribeCall(call.notification.data);
  record.time = NowNanos();
  record.tid = call.tid();
  record.pid = std::max(call.pid, 0);
  if (call.child != nullptr) record.type = call.child->type;
  record.path = std::move(path);
  record.outcome = outcome;
  record.error = error;
  // Before the answer: who has seen the child's next step finds the record.
  const bool is_kept =
      reporter_.Add(record, call.child != nullptr ? call.child->budget : strangers_);
  if (outcome == CallOutcome::kKilled) Kill(call);
  call.served->listener.Answer(call.notification.id, 0, error);
  if (is_kept) reporter_.Print(record);
}

void Core::Kill(const Call& call) {
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, call.pid, 0)));
  // While the call waits the pid is the child's, so that is what was opened.
  if (pidfd.is_open() && call.served->listener.IsWaiting(call.notification.id)) {
    syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  }
}

}  // namespace forkserver::broker_internal
