// Everything of a ForkServer that is behind the lock of its driver: the templates, the launches,
// the processes to be reaped, and who is told of what has ended.
//
//     std::unique_lock lock(core.driver.mutex());
//     const uint64_t before = core.happened();
//     core.Begin(options, Attendance::kLoop, Delivery::kDeferred, std::move(callback));
//     core.TellOthers(before);                      // what that has ended of other threads'
//     launches
//
// Whoever does something outside of a dispatch does it between happened() and TellOthers: a
// template may be read from meanwhile, or found dead, and others wait for what that ends.
//
// Ownership: owns all parts, in the order in which they stand on each other. Destroyed, it has
// ended launches, templates and the thread, and waited for what they leave to be reaped, but for
// what cannot be (Reaper). Threads: any, with the lock held, but for End and the destructor, which
// take it.
#ifndef FORKSERVER_HOST_FORK_SERVER_CORE_H_
#define FORKSERVER_HOST_FORK_SERVER_CORE_H_

#include <stdint.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "forkserver/host/broker/broker.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/host/immediate_launches.h"
#include "forkserver/host/launch_observer.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/launcher.h"
#include "forkserver/host/loop_driver.h"
#include "forkserver/host/memory_pressure.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/request_ids.h"
#include "forkserver/host/restart_policy.h"
#include "forkserver/host/self_exec.h"
#include "forkserver/host/server_end.h"
#include "forkserver/host/template_options.h"
#include "forkserver/host/template_set.h"
#include "forkserver/server/template_program.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/event_loop.h"

namespace forkserver {

int64_t DeadlineIn(absl::Duration timeout);

// Counts the servers of this process.
class LivingServer {
 public:
  LivingServer() { ++count_; }
  LivingServer(const LivingServer&) = delete;
  LivingServer& operator=(const LivingServer&) = delete;
  ~LivingServer() { --count_; }
  static bool IsThere() { return count_ > 0; }

 private:
  static inline std::atomic<int> count_ = 0;
};

class ForkServer::Core {
 public:
  Core(std::unique_ptr<TemplateMakings> makings, SelfImage self, HostFacts facts,
       std::unique_ptr<EventLoop> loop, StartReport report, std::vector<TemplateOptions> templates,
       int layouts, const RestartOptions& restart, absl::Status safe_mode, BrokerOptions broker,
       std::shared_ptr<FlightRecorder> recorder, std::shared_ptr<LaunchObserver> observer);
  ~Core();

  // Only once; the destructor does it where nobody has.
  ServerEnd End(const ServerEndOptions& options);

  // A kernel without it, or one that does not let us: then pools do not shrink.
  void WatchMemoryPressure();
  // Of Driving::kOwnThread.
  absl::Status StartOwnThread();

  LaunchId Begin(const LaunchOptions& options, Attendance attendance, Delivery delivery,
                 LaunchCallback callback);

  // Counts all that a thread may be waiting for.
  uint64_t happened() const { return launcher.ended() + templates.changes() + last_pong; }
  // `before`: what had happened before the caller did something.
  void TellOthers(uint64_t before);

  size_t in_flight() const {
    return launcher.in_flight() + reaper.pending() + templates.unanswered();
  }

  const LivingServer living;
  const std::unique_ptr<TemplateMakings> makings;
  const SelfImage self;
  const HostFacts facts;
  StartReport report;  // constant once Start has returned
  const std::unique_ptr<EventLoop> loop;
  const std::shared_ptr<FlightRecorder> recorder;
  RequestIds ids;
  ImmediateLaunches immediate;
  Reaper reaper;
  Launcher launcher;
  TemplateSet templates;
  MemoryPressure pressure;
  LoopDriver driver;
  std::thread thread;
  LaunchId last_pong = 0;
  PrefsGeneration prefs;
  std::vector<std::function<void()>> exits;  // of ReapAsync, to be told
  bool is_closing = false;

 private:
  LoopDriver::Callbacks TakeCompletions();
  void SampleMemoryLater();
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_FORK_SERVER_CORE_H_
