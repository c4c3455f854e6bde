#include "forkserver/host/fork_server_core.h"

#include <errno.h>
#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "forkserver/host/start_thread.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver {

int64_t DeadlineIn(absl::Duration timeout) {
  return DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(timeout));
}

ForkServer::Core::Core(std::unique_ptr<TemplateMakings> makings, SelfImage self, HostFacts facts,
                       std::unique_ptr<EventLoop> loop, StartReport report,
                       std::vector<TemplateOptions> templates, int layouts,
                       const RestartOptions& restart, absl::Status safe_mode, BrokerOptions broker,
                       std::shared_ptr<FlightRecorder> recorder,
                       std::shared_ptr<LaunchObserver> observer)
    : makings(std::move(makings)),
      self(std::move(self)),
      facts(std::move(facts)),
      report(std::move(report)),
      loop(std::move(loop)),
      recorder(std::move(recorder)),
      reaper(*this->loop),
      launcher(
          *this->loop, reaper, ids, immediate, *this->recorder, this->facts, this->self,
          this->makings->image.build_id,
          [this](const LaunchOptions& options) { return this->templates.SourceOf(options); },
          observer),
      templates({.loop = *this->loop,
                 .reaper = reaper,
                 .ids = ids,
                 .immediate = immediate,
                 .recorder = *this->recorder,
                 .facts = this->facts,
                 .self = this->self,
                 .makings = *this->makings,
                 .prefs = prefs,
                 .restart = restart,
                 .safe_mode = std::move(safe_mode),
                 .on_pong = [this](uint64_t id) { last_pong = id; },
                 .observer = std::move(observer)},
                std::move(templates), layouts, std::move(broker)),
      pressure(*this->loop, [this] { this->templates.ShrinkPools(); }),
      driver(*this->loop, [this] { return TakeCompletions(); }) {
  if (this->recorder->is_on()) SampleMemoryLater();
}

void ForkServer::Core::SampleMemoryLater() {
  const absl::Duration every = recorder->memory_every();
  if (every == absl::InfiniteDuration()) return;
  loop->AddTimer(DeadlineIn(std::max(every, absl::Milliseconds(1))), [this] {
    recorder->SampleMemory();
    SampleMemoryLater();
  });
}

ForkServer::Core::~Core() { End({}); }

ServerEnd ForkServer::Core::End(const ServerEndOptions& options) {
  const int64_t begin = NowNanos();
  ServerEnd end;
  std::unique_lock lock(driver.mutex());
  if (std::exchange(is_closing, true)) return end;
  // Also those that a callback on our own thread waits for.
  end.launches = launcher.in_flight();
  launcher.AbandonAll(absl::CancelledError("the fork server has ended"));
  driver.WakeOthers();
  if (thread.joinable()) {
    lock.unlock();
    thread.join();
    lock.lock();
  }
  // What the templates still owe are children that nobody else can reap.
  templates.BeginEnd();
  reaper.KillAll();
  const auto nothing_is_left = [this] { return in_flight() == 0; };
  driver.RunUntil(lock, nothing_is_left, DeadlineIn(options.launches));
  templates.KillUnanswering(end);
  driver.RunUntil(lock, nothing_is_left, DeadlineIn(options.launches));
  reaper.GiveUp();
  const LoopDriver::Callbacks last = TakeCompletions();
  lock.unlock();
  for (const auto& callback : last) callback();
  lock.lock();
  std::vector<TemplateSet::Ending> asked = templates.AskToEnd(end);
  // Others may ask for reports meanwhile, the broker's last operation among them.
  lock.unlock();
  templates.WaitForEnd(std::move(asked), options.templates, end);
  lock.lock();
  for (const Reaper::Unreaped& one : reaper.ListPending()) {
    end.unreaped.push_back({one.name, one.pid, std::string(one.why.message())});
  }
  end.took = absl::Nanoseconds(NowNanos() - begin);
  return end;
}

void ForkServer::Core::WatchMemoryPressure() {
  const absl::Status watched = pressure.Watch("/proc/pressure/memory");
  report.watches_memory_pressure = watched.ok();
  report.why_no_memory_pressure = std::string(watched.message());
}

absl::Status ForkServer::Core::StartOwnThread() {
  auto body = [this] {
    pthread_setname_np(pthread_self(), "forkserver");
    std::unique_lock lock(driver.mutex());
    driver.RunUntil(
        lock, [this] { return is_closing; }, kNever);
  };
  return StartThread(std::move(body), thread) ? absl::OkStatus()
                                              : ErrnoStatus(EAGAIN, "start: pthread_create");
}

LaunchId ForkServer::Core::Begin(const LaunchOptions& options, Attendance attendance,
                                 Delivery delivery, LaunchCallback callback) {
  const absl::StatusOr<LaunchSource> source = templates.SourceOf(options);
  return source.ok()
             ? launcher.Begin(options, *source, prefs, attendance, delivery, std::move(callback))
             : launcher.Refuse(options, source.status(), delivery, std::move(callback));
}

void ForkServer::Core::TellOthers(uint64_t before) {
  if (happened() != before) driver.WakeOthers();
  // What has ended must make pollable_fd readable all the same.
  if (launcher.has_completions() || !exits.empty()) loop->AddTimer(NowNanos(), [] {});
  driver.HandOver();
}

LoopDriver::Callbacks ForkServer::Core::TakeCompletions() {
  LoopDriver::Callbacks completions = launcher.TakeCompletions();
  for (auto& exit : std::exchange(exits, {})) completions.push_back(std::move(exit));
  return completions;
}

}  // namespace forkserver
