// The host's end of one template: sends it Forks, hears its Hello and its answers, and knows
// whether it serves.
//
//     link.Fork(id, launch_socket, requester);     // answered once: fork_requester.h
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
// itself: a stopped template would fail each launch by its deadline, for good. What a dead one owed
// is settled when it has been reaped (template_remains.h).
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_TEMPLATE_LINK_H_
#define FORKSERVER_HOST_TEMPLATE_LINK_H_

#include <stdint.h>

#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process_types.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/fork_requester.h"
#include "forkserver/host/process.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/sandbox_chain.h"
#include "forkserver/host/silence_watch.h"
#include "forkserver/host/template_children.h"
#include "forkserver/host/template_remains.h"
#include "forkserver/server/hello.h"
#include "transceiver/channel.h"
#include "transceiver/messages.h"

namespace forkserver {

// Why a template is dead whose pid namespace has no init any more: no process can be forked into it
// (ENOMEM, pid_namespaces(7)).
absl::Status EndOfInit(std::string_view name);

class TemplateLink {
 public:
  enum class State : uint8_t { kStarting, kServing, kDead };

  struct Events {
    std::function<void(uint64_t id)> on_pong;
    // Makes of a good Hello, and what came with it, what the template's sandbox is to the host;
    // null: it has none. A Status refuses the template.
    std::function<absl::StatusOr<std::unique_ptr<TemplateSandbox>>(const HelloMessage&,
                                                                   DescriptorList&)>
        on_hello;
    // Its socket has hung up, and it dies for that, unless it is killed here for a better reason.
    std::function<void()> on_hang_up = {};
    // The state is another one now.
    std::function<void()> on_state;
  };

  // `births`: the template's BirthRecord, may be none. `null_device` fills reserved slots;
  // borrowed.
  TemplateLink(std::string name, EventLoop& loop, Reaper& reaper, UniqueFd socket, Mapping births,
               uint64_t build_id, int null_device, Events events);

  absl::Status Start() { return channel_->Start(); }

  // How long it may be silent while it owes an answer, and how long from when its process is known
  // to its Hello. Without this there are no bounds.
  void BoundSilence(absl::Duration of_answers, absl::Duration of_start);

  // How many descriptors may be on the way to it and its children before its Hello: all that a user
  // has in flight is bound by the sender's RLIMIT_NOFILE (unix(7), ETOOMANYREFS), and the Hello,
  // which has descriptors too, would wait for what nobody receives before it. What is more is kept
  // here, duplicated, until it comes. Without this any number may.
  void BoundFlight(size_t descriptors) { most_in_flight_ = descriptors; }

  // Asks for a child on `launch_socket`, which is consumed. `requester` is borrowed until it has
  // been answered. `type`: what it is to be, as far as is known. `flags`: kBlank, or none. An error
  // means that the request was not sent and will not be answered.
  // `flight_record`: the child's, borrowed; negative: it has none.
  absl::Status Fork(uint64_t id, UniqueFd launch_socket, int flight_record,
                    ForkRequester& requester, ProcessType type, uint32_t flags = kNoFlags);
  // A requester that is going away: what it has asked for is killed and reaped when it comes.
  void Disown(const ForkRequester& requester);
  // Before its Hello: whether so many more descriptors may go to it and its children, up to
  // BoundFlight's; what may is counted. Later always.
  bool MayBeInFlight(size_t descriptors);
  absl::Status Ping(uint64_t id);
  absl::Status SendPlan(uint64_t id, uint32_t flags, std::span<const uint8_t> payload,
                        std::span<const int> descriptors);
  absl::Status SendShutdown();

  // Reads what the template has answered so far, if an answer is owed.
  void ReadAnswers();
  // Has the loop read the next answers as they come.
  void WatchForAnswers();

  // Of the template's own process; null: nobody keeps records. Before SetProcess.
  void KeepFlight(std::shared_ptr<Flight> flight) { flight_ = std::move(flight); }
  // The template's own process, once it is known.
  void SetProcess(Process process);
  // An optional, and no number that stands for none: kill(2) has a meaning for each of those.
  std::optional<pid_t> pid() const {
    return process_ ? std::optional(process_->pid()) : std::nullopt;
  }
  std::optional<Process> TakeProcess();
  // Its process turns out never to have been: what it owes is settled without one.
  void NeverWas();
  // It is dead and its process is not known yet: somebody has still to call SetProcess or NeverWas.
  bool lacks_process() const { return remains_ != nullptr; }
  // The Ready of its own launch has come, so that it was there.
  bool has_said_ready() const { return has_said_ready_; }

  // Of its process, if that is known.
  void Signal(int signal);
  // Ends the link and the template. What that owes is settled when it has been reaped, whether
  // there is still a link or not.
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
  void ChildrenAre(ChildKind kind) { children_.kind = kind; }
  ChildKind children_kind() const { return children_.kind; }
  // Null: not sandboxed, not serving yet, or dead and its requesters told.
  const TemplateSandbox* sandbox() const { return children_.sandbox.get(); }

 private:
  void OnPacket(Packet& packet);
  void OnReady(std::span<const uint8_t> payload);
  void OnHello(Packet& packet);
  void TellThatItServes();
  void OnForked(Packet& packet);
  void OnFailed(Packet& packet);
  absl::Status SendOrKeepFork(const Frame& frame, std::span<const int> descriptors);
  absl::Status SendFailed(absl::Status sent);
  void FreeSlot();
  void KeepSlot();
  void KeepHelloSlots();
  void ExpectAnswer();
  void CountAnswer();
  // Nothing: that Fork was not asked for, or is answered.
  std::optional<AskedFork> TakeRequester(uint64_t id);
  void Relax();
  bool IsOwedAnything();
  void EndSilence();
  void Bury(Process process);
  void Violation(std::string_view what);

  const std::string name_;
  Reaper& reaper_;
  const uint64_t build_id_;
  const int null_device_;
  Events events_;
  std::unique_ptr<Channel> channel_;
  TemplateChildren children_;
  State state_ = State::kStarting;
  absl::Status why_dead_;
  HelloMessage hello_;
  std::optional<Process> process_;
  std::shared_ptr<Flight> flight_;
  bool has_said_ready_ = false;
  std::vector<UniqueFd> slots_;  // one for each Fork that is not answered
  bool slot_is_free_ = false;
  std::array<UniqueFd, kMostHelloDescriptors> hello_slots_;  // until there is one
  size_t most_in_flight_ = std::numeric_limits<size_t>::max();
  size_t in_flight_ = 0;                                 // see MayBeInFlight
  absl::flat_hash_map<uint64_t, AskedFork> requesters_;  // of each Fork that is not answered
  Mapping births_;
  // Of one that is dead, until its process is known.
  std::shared_ptr<TemplateRemains> remains_;
  absl::flat_hash_set<uint64_t> pings_;  // that are not answered
  absl::Duration longest_silence_ = absl::InfiniteDuration();
  absl::Duration longest_start_ = absl::InfiniteDuration();
  SilenceWatch silence_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_LINK_H_
