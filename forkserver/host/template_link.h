// The host's end of one template: sends it Forks, hears its Hello and its answers, and knows
// whether it serves.
//
//     link.Fork(id, launch_socket, requester);     // answered once, by one of its three functions
//
// Forks may be sent before the Hello has come: they wait in the socket. A template of another
// protocol version or build id, or one that breaks the protocol, is killed, and the link is dead
// with a Status that says why.
//
// Descriptor slots: the place of the launch socket's far end stays occupied until the answer is
// read, and is freed just before, so that a Forked finds room for its pidfd also where the host
// is at its limit. A pidfd that was lost all the same is opened again by the pid that Forked
// carries: the child is the host's own and unreaped, so the pid cannot be anybody else's.
//
// Who wakes whom: everything that a Fork can lead to is announced on its launch socket (Ready, or
// the hang-up of a far end that nobody holds), so the host need not be woken for the answer on
// this one: it reads it when the launch socket speaks (ReadAnswers). Only where an answer is owed
// that nothing announces does the link watch for it (WatchForAnswers).
//
// One that owes an answer and is silent for too long is killed, and dead as if it had died by
// itself: a stopped template would fail each launch by its deadline, for good.
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_TEMPLATE_LINK_H_
#define FORKSERVER_HOST_TEMPLATE_LINK_H_

#include <stdint.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_report.h"
#include "forkserver/host/process.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/sandbox_chain.h"
#include "forkserver/host/silence_watch.h"
#include "forkserver/server/hello.h"
#include "transceiver/channel.h"
#include "transceiver/messages.h"

namespace forkserver {

// Whoever asks a template for children. Each Fork is answered once.
class ForkRequester {
 public:
  virtual void OnForked(uint64_t id, Process process, const ForkedMessage& forked) = 0;
  virtual void OnForkFailed(uint64_t id, const FailedMessage& failed) = 0;
  // The template died and owed this answer: whether there is a child, only the far end of the
  // launch socket can tell. What it had of a sandbox is still there during the call.
  virtual void OnTemplateDead(uint64_t id, const absl::Status& why) = 0;

 protected:
  ~ForkRequester() = default;
};

class TemplateLink {
 public:
  enum class State : uint8_t { kStarting, kServing, kDead };

  // Of a sandboxed template: what it shares with its children, and which of the broker's rules are
  // theirs.
  struct Sandbox {
    SandboxMembership children;
    size_t templates_ruleset = 0;  // of templates below it

    SandboxMembership For(ProcessType type) const {
      SandboxMembership membership = children;
      const ProcessTypeRow* row = FindProcessType(type);
      if (row != nullptr && row->main_loop == MainLoop::kForkLoop) {
        membership.ruleset = templates_ruleset;
      }
      return membership;
    }
  };

  struct Events {
    std::function<void(uint64_t id)> on_pong;
    // Makes of a good Hello, and what came with it, what the template's sandbox is to the host;
    // null: it has none. A Status refuses the template.
    std::function<absl::StatusOr<std::unique_ptr<Sandbox>>(const HelloMessage&, DescriptorList&)>
        on_hello;
    // Its socket has hung up, and it dies for that, unless it is killed here for a better reason.
    std::function<void()> on_hang_up = {};
    // The state is another one now, or told_pid is there.
    std::function<void()> on_state;
  };

  // `null_device` fills reserved slots; borrowed.
  TemplateLink(std::string name, EventLoop& loop, Reaper& reaper, UniqueFd socket,
               uint64_t build_id, int null_device, Events events);

  absl::Status Start() { return channel_->Start(); }

  // How long it may be silent while it owes an answer, and how long from when its process is known
  // to its Hello. Without this there are no bounds.
  void BoundSilence(absl::Duration of_answers, absl::Duration of_start);

  // Asks for a child on `launch_socket`, which is consumed. `requester` is borrowed until it has
  // been answered. `type`: what it is to be, as far as is known. `flags`: kBlank, or none. An error
  // means that the request was not sent and will not be answered.
  absl::Status Fork(uint64_t id, UniqueFd launch_socket, ForkRequester& requester, ProcessType type,
                    uint32_t flags = kNoFlags);
  // A requester that is going away: what it has asked for is killed and reaped when it comes.
  void Disown(const ForkRequester& requester);
  absl::Status Ping(uint64_t id);
  absl::Status SendPlan(uint64_t id, uint32_t flags, std::span<const uint8_t> payload,
                        std::span<const int> descriptors);
  absl::Status SendShutdown();

  // Reads what the template has answered so far, if an answer is owed.
  void ReadAnswers();
  // Has the loop read the next answers as they come.
  void WatchForAnswers();

  // The template's own process, once it is known.
  void SetProcess(Process process);
  // An optional, and no number that stands for none: kill(2) has a meaning for each of those.
  std::optional<pid_t> pid() const {
    return process_ ? std::optional(process_->pid()) : std::nullopt;
  }
  std::optional<Process> TakeProcess();
  // What the template itself says, in the Ready of its own launch: for one whose parent died before
  // it could answer. 0: nothing yet.
  pid_t told_pid() const { return told_pid_; }

  // Of its process, if that is known.
  void Signal(int signal);
  // Ends the link and the template.
  void Kill(absl::Status why);

  // Requests that the template has not answered; none once it is dead.
  size_t unanswered() const {
    return state_ == State::kDead ? 0 : requesters_.size() + pings_.size();
  }

  const std::string& name() const { return name_; }
  State state() const { return state_; }
  // Ok unless dead.
  const absl::Status& why_dead() const { return why_dead_; }
  // Set once serving.
  const HelloMessage& hello() const { return hello_; }
  // Of what it forks: kSilent below a seed, kAny below an exec. The host's own knowledge, and not
  // the template's word.
  void ChildrenAre(ChildKind kind) { children_kind_ = kind; }
  ChildKind children_kind() const { return children_kind_; }
  // Null: not sandboxed, not serving yet, or dead and its requesters told.
  const Sandbox* sandbox() const { return sandbox_.get(); }

 private:
  void OnPacket(Packet& packet);
  void OnReady(std::span<const uint8_t> payload);
  void OnHello(Packet& packet);
  void OnForked(Packet& packet);
  void OnFailed(Packet& packet);
  absl::Status SendFailed(absl::Status sent);
  void FreeSlot();
  void KeepSlot();
  void ExpectAnswer();
  void CountAnswer();
  struct Asked {
    ForkRequester* requester;
    ProcessType type;
  };

  // Nothing: that Fork was not asked for, or is answered.
  std::optional<Asked> TakeRequester(uint64_t id);
  absl::StatusOr<Process> TakeOver(Packet& packet, pid_t pid, ProcessType type);
  void Relax();
  bool IsOwedAnything();
  void EndSilence();
  void Violation(std::string_view what);

  const std::string name_;
  Reaper& reaper_;
  const uint64_t build_id_;
  const int null_device_;
  Events events_;
  std::unique_ptr<Channel> channel_;
  ChildKind children_kind_ = ChildKind::kAny;
  State state_ = State::kStarting;
  absl::Status why_dead_;
  HelloMessage hello_;
  std::optional<Process> process_;
  pid_t told_pid_ = 0;
  std::vector<UniqueFd> slots_;  // one for each Fork that is not answered
  bool slot_is_free_ = false;
  std::unique_ptr<Sandbox> sandbox_;
  // Of each Fork that is not answered; the requester is null where it has gone away.
  absl::flat_hash_map<uint64_t, Asked> requesters_;
  absl::flat_hash_set<uint64_t> pings_;  // that are not answered
  absl::Duration longest_silence_ = absl::InfiniteDuration();
  absl::Duration longest_start_ = absl::InfiniteDuration();
  SilenceWatch silence_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_LINK_H_
