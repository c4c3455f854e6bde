// Every launch that is under way, from the request to Ready or to an error.
//
// A launch has ended when its child is Ready and its pidfd is there, in whichever order the two
// came; or when it has failed and nothing of it is left: the child, if there was one, is killed
// and reaped before the caller hears of the failure. Only where the deadline passes (or the
// caller cancels) and the template has not answered yet is the caller told first; the child of a
// late answer is killed and reaped when it comes.
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_LAUNCHER_H_
#define FORKSERVER_HOST_LAUNCHER_H_

#include <stdint.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "child/ready.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/reaper.h"
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
  kAtOnce,    // where the launch ends, with the lock held: for the server's own callbacks
  kDeferred,  // handed out by TakeCompletions: for the embedder's, which may call anything
};

class Launcher {
 public:
  Launcher(EventLoop& loop, Reaper& reaper, const HostFacts& facts, const SelfImage& self,
           uint64_t build_id)
      : loop_(loop), reaper_(reaper), facts_(facts), self_(self), build_id_(build_id) {}
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // `link` is the template of a LaunchWay::kTemplate. Whatever goes wrong is told to `callback`.
  LaunchId Begin(const LaunchOptions& options, TemplateLink* link, const PrefsGeneration& prefs,
                 Delivery delivery, LaunchCallback callback);
  // Ends a launch with `why`; one that has ended is ignored.
  void Abandon(LaunchId id, absl::Status why);
  void AbandonAll(const absl::Status& why);

  // What a template answered.
  void OnForked(LaunchId id, Process process, const ForkedMessage& forked);
  void OnForkFailed(LaunchId id, const FailedMessage& failed);
  void OnTemplateDead(const TemplateLink& link);

  // Fresh ids, also for requests to templates that are not launches of this launcher.
  LaunchId NextId() { return next_id_++; }

  std::vector<std::function<void()>> TakeCompletions() { return std::exchange(completions_, {}); }
  bool has_completions() const { return !completions_.empty(); }
  size_t in_flight() const { return launches_.size(); }
  // Counts every launch that has ended.
  uint64_t ended() const { return ended_; }

 private:
  struct Launch {
    LaunchId id;
    std::string what;  // "launch of content", for errors
    Delivery delivery;
    LaunchCallback callback;
    LaunchTimes times;
    // The template that owes an answer to Fork, or null.
    TemplateLink* awaiting = nullptr;
    std::unique_ptr<Channel> channel;
    // Taken from the channel at Ready: what the child sends after it is for the caller to read.
    UniqueFd socket;
    // Why the template owes no answer any more, if it died.
    absl::Status template_death;
    EventLoop::TimerId deadline = 0;
    std::optional<Process> process;
    pid_t told_pid = 0;  // by the child itself, in Ready or Failed
    bool is_ready = false;
    bool died_unready = false;
    bool is_dying = false;  // its process is with the reaper
    absl::Status failure;
  };

  absl::Status Send(Launch& launch, const LaunchOptions& options, TemplateLink* link,
                    const PrefsGeneration& prefs);
  void OnPacket(LaunchId id, Packet& packet);
  void OnHangUp(LaunchId id);
  void OnReady(Launch& launch, std::span<const uint8_t> payload);
  void Fail(Launch& launch, absl::Status why);
  // The launch socket has spoken: the template's answer, if one is owed, is there or on its way.
  void CollectAnswer(LaunchId id);
  // Ends the launch if it can end now.
  void Advance(Launch& launch);
  void AdoptChild(Launch& launch);
  void Succeed(Launch& launch);
  void Finish(LaunchId id, absl::StatusOr<LaunchedChild> result);
  Launch* Find(LaunchId id);

  EventLoop& loop_;
  Reaper& reaper_;
  const HostFacts& facts_;
  const SelfImage& self_;
  const uint64_t build_id_;
  LaunchId next_id_ = 1;
  absl::flat_hash_map<LaunchId, std::unique_ptr<Launch>> launches_;
  std::vector<std::function<void()>> completions_;
  uint64_t ended_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCHER_H_
