// Every launch that is under way, from the request to Ready or to an error.
//
// A launch has ended when its child is Ready and its pidfd is there, in whichever order the two
// came; or when it has failed and nothing of it is left: the child, if there was one, is killed
// and reaped before the caller hears of the failure. Only where the deadline passes (or the
// caller cancels) and the template has not answered yet is the caller told first; the launch stays
// in flight until its child, if there comes to be one, is killed and reaped.
//
// A launch that a thread waits for is attended by that thread at first: it waits on the launch
// socket itself, which spares the loop two calls and a wake-up, and gives the launch to the loop
// when it takes long:
//
//     LaunchId id = launcher.Begin(..., Attendance::kCaller, ...);
//     if (int socket = launcher.AttendedSocket(id); socket >= 0) {
//       ...without the lock: wait until it is readable, for a moment...
//       launcher.Attend(id);
//     }
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_LAUNCHER_H_
#define FORKSERVER_HOST_LAUNCHER_H_

#include <stdint.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "child/ready.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/immediate_launches.h"
#include "forkserver/host/kept_launch_options.h"
#include "forkserver/host/launch_observer.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/launch_socket.h"
#include "forkserver/host/launch_source.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/request_ids.h"
#include "forkserver/host/self_exec.h"
#include "forkserver/host/template_link.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/channel.h"
#include "transceiver/event_loop.h"

namespace forkserver {

using LaunchId = uint64_t;
using LaunchCallback = std::function<void(absl::StatusOr<LaunchedChild> child)>;

// Who runs a callback, and when.
enum class Delivery : uint8_t {
  // Where the launch ends, with the lock held: for the server's own callbacks. The options stay
  // until then.
  kAtOnce,
  kDeferred,  // handed out by TakeCompletions: for the embedder's, which may call anything
};

// Who waits for the launch socket to speak.
enum class Attendance : uint8_t {
  kLoop,
  kCaller,  // for a moment
};

class Launcher : private ForkRequester {
 public:
  // Where a launch comes from when it is sent again.
  using FindSource = std::function<absl::StatusOr<LaunchSource>(const LaunchOptions& options)>;

  // `immediate` is told of what comes from no pool, and `observer`, which may be null, of all.
  Launcher(EventLoop& loop, Reaper& reaper, RequestIds& ids, ImmediateLaunches& immediate,
           FlightRecorder& recorder, const HostFacts& facts, const SelfImage& self,
           uint64_t build_id, FindSource find_source, std::shared_ptr<LaunchObserver> observer)
      : loop_(loop),
        reaper_(reaper),
        ids_(ids),
        immediate_(immediate),
        recorder_(recorder),
        facts_(facts),
        self_(self),
        build_id_(build_id),
        find_source_(std::move(find_source)),
        observer_(std::move(observer)) {}
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Whatever goes wrong is told to `callback`.
  LaunchId Begin(const LaunchOptions& options, LaunchSource source, const PrefsGeneration& prefs,
                 Attendance attendance, Delivery delivery, LaunchCallback callback);
  // The same for a launch that could not even begin.
  LaunchId Refuse(const LaunchOptions& options, absl::Status why, Delivery delivery,
                  LaunchCallback callback);

  // The socket on which the caller of Begin is to wait; -1 where there is nothing to wait for or
  // the loop does it. It stays open until Attend.
  int AttendedSocket(LaunchId id);
  // Takes what the socket has to say; if that is nothing, the loop waits from here on.
  void Attend(LaunchId id);

  // Ends a launch with `why`; one that has ended is ignored.
  void Abandon(LaunchId id, absl::Status why);
  void AbandonAll(const absl::Status& why);

  std::vector<std::function<void()>> TakeCompletions() { return std::exchange(completions_, {}); }
  bool has_completions() const { return !completions_.empty(); }
  size_t in_flight() const { return launches_.size(); }
  // Counts every launch that has ended.
  uint64_t ended() const { return ended_; }

 private:
  struct Launch {
    Launch(EventLoop& loop, Channel::Handlers handlers) : socket(loop, std::move(handlers)) {}

    LaunchId id = 0;
    ProcessType type = ProcessType::kParent;
    std::string what = {};  // "launch of content", for errors
    Delivery delivery = Delivery::kAtOnce;
    LaunchCallback callback = {};
    LaunchTimes times = {};
    // The template that owes an answer to Fork, or null.
    TemplateLink* awaiting = nullptr;
    LaunchOrigin origin = {};
    // The caller waits for it while it attends the launch, and the loop from then on, until Ready:
    // what the child sends after it is for the caller to read.
    LaunchSocket socket;
    Senders senders = Senders::kUntold;
    size_t first_packets_sent = 0;
    bool is_attended = false;
    bool is_immediate = false;  // from no pool, and not Ready yet
    // What ended it while it was attended, for Attend to carry out.
    absl::Status abandoned;
    // Why the template owes no answer any more, if it died; and that whether there is a child is
    // known only when it has been reaped.
    absl::Status template_death;
    bool is_unsettled = false;
    SandboxOfExec sandbox = {};
    std::shared_ptr<Flight> flight = {};  // null: nobody keeps records
    std::map<std::string, std::string> annotations = {};
    // To be sent again with, if its template dies; null: it is not to be. Owned in `kept`, or the
    // caller's.
    const LaunchOptions* again = nullptr;
    std::unique_ptr<KeptLaunchOptions> kept = {};
    PrefsGeneration prefs = {};
    EventLoop::TimerId deadline = 0;
    std::optional<Process> process;
    bool is_ready = false;
    bool died_unready = false;
    bool is_dying = false;  // its process is with the reaper
    bool is_told = false;   // the callback has been called
    absl::Status failure;
  };

  // Of a child that is no more, of a launch that failed.
  struct UnreadyEnd {
    pid_t pid;
    const absl::StatusOr<ExitStatus>& status;
  };

  void OnTemplateServes(LaunchId id) override;
  void OnForked(LaunchId id, Process process, const ForkedMessage& forked) override;
  void OnForkFailed(LaunchId id, const FailedMessage& failed) override;
  void OnTemplateDead(LaunchId id, const absl::Status& why) override;
  void OnNoChild(LaunchId id) override;

  Launch& NewLaunch(const LaunchOptions& options, Delivery delivery, LaunchCallback callback);
  absl::Status Send(Launch& launch, const LaunchOptions& options, LaunchSource source,
                    const PrefsGeneration& prefs, Attendance attendance);
  absl::Status SendOrKeepPlan(Launch& launch, const PlanMessage& plan, TemplateLink* link);
  absl::Status SendPlan(Launch& launch, const LaunchOptions& options, const LaunchSource& source,
                        const PrefsGeneration& prefs);
  // False: no blank took it.
  bool SendToBlank(Launch& launch, const PlanMessage& plan, BlankPool& pool);
  absl::Status SendToNewChild(Launch& launch, const PlanMessage& plan, const LaunchOptions& options,
                              const LaunchSource& source);

  // So that it can be sent again.
  void Keep(Launch& launch, const LaunchOptions& options, const PrefsGeneration& prefs);
  void SendAgain(LaunchId id);

  void BeginFlight(Launch& launch, std::shared_ptr<Flight> flight, LaunchedBy by);
  void TakeProcess(Launch& launch, Process process);
  void BeginImmediate(Launch& launch, LaunchedBy by);
  void EndImmediate(Launch& launch);
  Launch* Find(LaunchId id);

  // In launcher_answers.cc: what child and template say, and what comes of it.
  void OnPacket(LaunchId id, Packet& packet);
  // Why: Unavailable where the child, or whoever was to fork it, is gone.
  void OnHangUp(LaunchId id, const absl::Status& why);
  void OnReady(Launch& launch, Packet& packet);
  absl::Status EnrollExeced(Launch& launch, DescriptorList& descriptors);
  void Fail(Launch& launch, absl::Status why);
  // The launch socket has spoken: the template's answer, if one is owed, is there or on its way.
  void CollectAnswer(LaunchId id);
  // Ends the launch if it can end now.
  void Advance(Launch& launch);
  // `chain`: whose sandbox the child had; null: it had none.
  void OnUnreadyReaped(Launch& launch, const SandboxChain* chain, const UnreadyEnd& end);
  // Of one whose template died before there was a child.
  bool MaySendAgain(const Launch& launch) const;
  void SendAgainSoon(Launch& launch);
  void Succeed(Launch& launch);
  void Tell(Launch& launch, absl::StatusOr<LaunchedChild> result, const UnreadyEnd* end = nullptr);
  void Finish(LaunchId id, absl::StatusOr<LaunchedChild> result, const UnreadyEnd* end = nullptr);

  bool is_observed() const { return kObservesLaunches && observer_ != nullptr; }
  void ShowReady(const Launch& launch, LaunchedChild& child);
  void ShowFailed(const Launch& launch, const absl::Status& why, const UnreadyEnd* end);

  EventLoop& loop_;
  Reaper& reaper_;
  RequestIds& ids_;
  ImmediateLaunches& immediate_;
  FlightRecorder& recorder_;
  const HostFacts& facts_;
  const SelfImage& self_;
  const uint64_t build_id_;
  const FindSource find_source_;
  const std::shared_ptr<LaunchObserver> observer_;
  absl::flat_hash_map<LaunchId, std::unique_ptr<Launch>> launches_;
  std::vector<std::function<void()>> completions_;
  uint64_t ended_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCHER_H_
