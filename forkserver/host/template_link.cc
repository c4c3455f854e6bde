#include "forkserver/host/template_link.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "child/ready.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/server/build_id.h"

namespace forkserver {
namespace {

constexpr size_t kMostUnaskedMessages = 2;  // the Ready and the Hello of its start

}  // namespace

absl::Status EndOfInit(std::string_view name) {
  return absl::UnavailableError(absl::StrFormat(
      "%s died: the init of its children's pid namespace has ended", std::string(name)));
}

TemplateLink::TemplateLink(std::string name, EventLoop& loop, Reaper& reaper, UniqueFd socket,
                           Mapping births, uint64_t build_id, int null_device, Events events)
    : name_(std::move(name)),
      reaper_(reaper),
      build_id_(build_id),
      null_device_(null_device),
      events_(std::move(events)),
      channel_(std::make_unique<Channel>(
          loop, std::move(socket),
          Channel::Handlers{.before_receive = [this] { FreeSlot(); },
                            .on_drained = [this] { KeepSlot(); },
                            .on_packet = [this](Packet& packet) { OnPacket(packet); },
                            .on_closed =
                                [this](absl::Status why) {
                                  if (events_.on_hang_up) events_.on_hang_up();
                                  Kill(absl::UnavailableError(absl::StrFormat(
                                      "%s died: %s", name_, std::string(why.message()))));
                                }})),
      births_(std::move(births)),
      silence_(loop, {.is_owed = [this] { return IsOwedAnything(); },
                      .on_silence = [this] { EndSilence(); }}) {
  KeepHelloSlots();
}

void TemplateLink::BoundSilence(absl::Duration of_answers, absl::Duration of_start) {
  longest_silence_ = of_answers;
  longest_start_ = of_start;
}

bool TemplateLink::IsOwedAnything() {
  if (state_ == State::kStarting) channel_->ReceiveNow();
  ReadAnswers();
  return state_ == State::kStarting || unanswered() > 0;
}

void TemplateLink::EndSilence() {
  const absl::Duration longest = state_ == State::kStarting ? longest_start_ : longest_silence_;
  const std::string why = absl::StrFormat("it was silent for %s", absl::FormatDuration(longest));
  if (flight_ != nullptr) flight_->MissDeadline(why);
  Kill(absl::UnavailableError(absl::StrFormat("%s died: killed, since %s", name_, why)));
}

absl::Status TemplateLink::Fork(uint64_t id, UniqueFd launch_socket, int flight_record,
                                ForkRequester& requester, ProcessType type, uint32_t flags) {
  if (state_ == State::kDead) return why_dead_;
  const int fd = launch_socket.get();
  const int descriptors[] = {fd, flight_record};
  const std::span<const int> sent_descriptors(descriptors, flight_record >= 0 ? 2 : 1);
  if (absl::Status sent =
          SendOrKeepFork({.type = kFork, .request_id = id, .flags = flags}, sent_descriptors);
      !sent.ok()) {
    return SendFailed(std::move(sent));
  }
  // One call closes our copy of the far end, so that the child's death can be seen on the near
  // one, and keeps its slot for the pidfd.
  if (dup3(null_device_, fd, O_CLOEXEC) < 0) launch_socket.reset();
  slots_.push_back(std::move(launch_socket));
  ExpectAnswer();
  requesters_.emplace(id, AskedFork{.requester = &requester, .type = type});
  return absl::OkStatus();
}

absl::Status TemplateLink::SendOrKeepFork(const Frame& frame, std::span<const int> descriptors) {
  if (!MayBeInFlight(descriptors.size()) && channel_->Queue(frame, {}, descriptors).ok()) {
    return absl::OkStatus();
  }
  return channel_->Send(frame, {}, descriptors);
}

absl::Status TemplateLink::SendFailed(absl::Status sent) {
  // A template that is gone is found dead by reading what it had answered, to the end.
  if (absl::IsUnavailable(sent) && state_ != State::kDead) channel_->ReceiveNow();
  // A socket that is being closed refuses what is sent to it a moment before it hangs up; and one
  // whose reading side alone is shut never does.
  if (absl::IsUnavailable(sent) && state_ != State::kDead) {
    Kill(absl::UnavailableError(absl::StrFormat("%s died: %s", name_, sent.message())));
  }
  return state_ == State::kDead ? why_dead_ : sent;
}

bool TemplateLink::MayBeInFlight(size_t descriptors) {
  if (state_ != State::kStarting) return true;
  if (descriptors > most_in_flight_ - in_flight_) return false;
  in_flight_ += descriptors;
  return true;
}

void TemplateLink::KeepHelloSlots() {
  for (UniqueFd& slot : hello_slots_) {
    if (!slot.is_open()) slot.reset(fcntl(null_device_, F_DUPFD_CLOEXEC, 3));
  }
}

void TemplateLink::FreeSlot() {
  if (state_ == State::kStarting) {
    hello_slots_ = {};
    return;
  }
  if (slot_is_free_ || slots_.empty()) return;
  slots_.pop_back();
  slot_is_free_ = true;
}

void TemplateLink::ReadAnswers() {
  if (state_ == State::kDead) return;
  channel_->ReceiveNow([this] { return state_ != State::kServing || unanswered() > 0; });
}

void TemplateLink::WatchForAnswers() {
  if (state_ != State::kDead) channel_->SetAttention(Attention::kMessages);
}

void TemplateLink::ExpectAnswer() {
  // Until its Hello it is its start that is watched.
  if (state_ != State::kServing) return;
  if (unanswered() == 0) silence_.Heard();
  silence_.Begin(longest_silence_);
}

void TemplateLink::CountAnswer() {
  silence_.Heard();
  slot_is_free_ = false;
  Relax();
}

void TemplateLink::Disown(const ForkRequester& requester) {
  for (auto& [id, asked] : requesters_) {
    if (asked.requester == &requester) asked.requester = nullptr;
  }
  if (remains_ != nullptr) remains_->Disown(requester);
}

std::optional<AskedFork> TemplateLink::TakeRequester(uint64_t id) {
  const auto found = requesters_.find(id);
  if (found == requesters_.end()) return std::nullopt;
  const AskedFork asked = found->second;
  requesters_.erase(found);
  return asked;
}

void TemplateLink::Relax() {
  if (state_ == State::kServing && unanswered() == 0) channel_->SetAttention(Attention::kHangUp);
}

void TemplateLink::KeepSlot() {
  if (state_ == State::kStarting) return KeepHelloSlots();
  if (!slot_is_free_) return;
  // No message took it, and an answer is still owed. Where this fails, somebody else was faster:
  // OnForked has a way out.
  UniqueFd slot(fcntl(null_device_, F_DUPFD_CLOEXEC, 3));
  if (slot.is_open()) slots_.push_back(std::move(slot));
  slot_is_free_ = false;
}

absl::Status TemplateLink::Ping(uint64_t id) {
  if (state_ == State::kDead) return why_dead_;
  if (absl::Status sent = channel_->Send({.type = kPing, .request_id = id}); !sent.ok()) {
    return SendFailed(std::move(sent));
  }
  ExpectAnswer();
  pings_.insert(id);
  WatchForAnswers();
  return absl::OkStatus();
}

absl::Status TemplateLink::SendPlan(uint64_t id, uint32_t flags, std::span<const uint8_t> payload,
                                    std::span<const int> descriptors) {
  absl::Status sent =
      channel_->Send({.type = kPlan, .request_id = id, .flags = flags}, payload, descriptors);
  // One that has gone may have said why; where nobody was there to say it, its parent knows.
  if (absl::IsUnavailable(sent) && state_ != State::kDead) channel_->ReceiveNow();
  return state_ == State::kDead ? why_dead_ : sent;
}

absl::Status TemplateLink::SendShutdown() {
  if (state_ == State::kDead) return why_dead_;
  return channel_->Send({.type = kShutdown});
}

void TemplateLink::SetProcess(Process process) {
  Follow(flight_, process);
  // Killed before its process was known.
  if (state_ == State::kDead) return Bury(std::move(process));
  children_.Know(process);
  process_.emplace(std::move(process));
  if (state_ == State::kStarting) silence_.Begin(longest_start_);
}

void TemplateLink::NeverWas() {
  if (const auto remains = std::exchange(remains_, nullptr)) remains->Settle(reaper_);
}

void TemplateLink::Bury(Process process) {
  std::shared_ptr<TemplateRemains> remains = std::exchange(remains_, nullptr);
  if (remains == nullptr) return reaper_.KillAndReap(std::move(process), {}, name_);
  remains->ProcessIs(process);
  reaper_.KillAndReap(
      std::move(process),
      [remains = std::move(remains), &reaper = reaper_](const absl::StatusOr<ExitStatus>&) {
        remains->Settle(reaper);
      },
      name_);
}

std::optional<Process> TemplateLink::TakeProcess() {
  std::optional<Process> taken = std::move(process_);
  process_.reset();
  return taken;
}

void TemplateLink::Signal(int signal) {
  if (process_) process_->Signal(signal).IgnoreError();
}

void TemplateLink::Kill(absl::Status why) {
  if (state_ == State::kDead) return;
  const bool has_said_hello = state_ == State::kServing;
  state_ = State::kDead;
  why_dead_ = std::move(why);
  silence_.End();
  // One whose process is not known yet ends by this; what it has answered is still read.
  if (!process_) shutdown(channel_->fd(), SHUT_WR);
  const size_t most_unread = requesters_.size() + pings_.size() + kMostUnaskedMessages;
  // A copy: who hears of it may disown what it has asked for.
  const auto unanswered = requesters_;
  for (const auto& [id, asked] : unanswered) {
    if (asked.requester != nullptr) asked.requester->OnTemplateDead(id, why_dead_);
  }
  hello_slots_ = {};
  remains_ = std::make_shared<TemplateRemains>(
      TemplateRemains::Parts{.owed = std::exchange(requesters_, {}),
                             .socket = channel_->TakeSocket(),
                             .most_unread = most_unread,
                             .births = std::move(births_),
                             .slots = std::exchange(slots_, {}),
                             .children = std::move(children_),
                             .has_said_hello = has_said_hello});
  channel_.reset();
  if (process_) Bury(*TakeProcess());
  events_.on_state();
}

void TemplateLink::Violation(std::string_view what) {
  Kill(absl::InternalError(absl::StrFormat("%s broke the protocol: %s", name_, what)));
}

void TemplateLink::OnPacket(Packet& packet) {
  if (packet.frame_error() != FrameError::kNone) {
    if (packet.frame_error() == FrameError::kDescriptorsTruncated &&
        packet.frame().type == kForked) {
      return OnForked(packet);
    }
    return Violation(FrameErrorText(packet.frame_error()));
  }
  if (CheckMessage(packet.frame(), MessageDirection::kToHost) != MessageCheck::kGood) {
    return Violation(MessageName(packet.frame().type));
  }
  switch (packet.frame().type) {
    case kHello:
      return OnHello(packet);
    case kForked:
      return OnForked(packet);
    case kFailed:
      return OnFailed(packet);
    case kPong:
      if (pings_.erase(packet.frame().request_id) == 0) return Violation("an unasked Pong");
      CountAnswer();
      return events_.on_pong(packet.frame().request_id);
    case kReady:
      return OnReady(packet.payload());
    default:
      return Violation(MessageName(packet.frame().type));
  }
}

// Of its own Plan; the Hello says more.
void TemplateLink::OnReady(std::span<const uint8_t> payload) {
  ReadyMessage ready;
  if (!Decode(payload, ready) || ready.pid <= 0) return Violation("a malformed Ready");
  has_said_ready_ = true;
}

void TemplateLink::OnHello(Packet& packet) {
  absl::StatusOr<HelloMessage> hello = DecodeHello(packet.payload());
  if (!hello.ok()) return Violation(std::string(hello.status().message()));
  if (hello->protocol_version != kProtocolVersion) {
    return Kill(absl::FailedPreconditionError(
        absl::StrFormat("%s refused: it speaks version %d of the protocol, this host %d", name_,
                        hello->protocol_version, kProtocolVersion)));
  }
  if (hello->build_id != build_id_) {
    return Kill(absl::FailedPreconditionError(
        absl::StrFormat("%s: %s", name_, OtherBuildText(hello->build_id, build_id_))));
  }
  if (state_ != State::kStarting) return Violation("a second Hello");
  absl::StatusOr<std::unique_ptr<TemplateSandbox>> sandbox =
      events_.on_hello(*hello, packet.descriptors());
  if (!sandbox.ok()) return Kill(sandbox.status());
  children_.sandbox = *std::move(sandbox);
  children_.own_pid = hello->pid;
  hello_ = *std::move(hello);
  if (flight_ != nullptr) flight_->SetReady();
  state_ = State::kServing;
  silence_.End();
  if (unanswered() > 0) silence_.Begin(longest_silence_);
  TellThatItServes();
  Relax();
  events_.on_state();
}

void TemplateLink::TellThatItServes() {
  channel_->SendQueuedNow();
  // Who hears of it may disown what it has asked for.
  std::vector<uint64_t> ids;
  for (const auto& [id, asked] : requesters_) ids.push_back(id);
  for (const uint64_t id : ids) {
    const auto asked = requesters_.find(id);
    if (asked == requesters_.end() || asked->second.requester == nullptr) continue;
    asked->second.requester->OnTemplateServes(id);
  }
}

void TemplateLink::OnForked(Packet& packet) {
  ForkedMessage forked;
  if (!Decode(packet.payload(), forked) || forked.pid <= 0) return Violation("a malformed Forked");
  const uint64_t id = packet.frame().request_id;
  const auto found = requesters_.find(id);
  const ProcessType type = found != requesters_.end() ? found->second.type : ProcessType::kParent;
  absl::StatusOr<Process> child = children_.TakeOver(packet, forked.pid, type);
  if (!child.ok() && !slots_.empty()) {
    slots_.pop_back();
    child = children_.TakeOver(packet, forked.pid, type);
  }
  // Whoever asked is still among those who are told of the template's end.
  if (!child.ok()) return Violation(std::string(child.status().message()));
  const std::optional<AskedFork> asked = TakeRequester(id);
  CountAnswer();
  if (asked && asked->requester != nullptr) {
    return asked->requester->OnForked(id, *std::move(child), forked);
  }
  // Nobody wants it any more, or nobody has asked for it.
  reaper_.KillAndReap(*std::move(child));
  if (!asked) Violation("an unasked Forked");
}

void TemplateLink::OnFailed(Packet& packet) {
  FailedMessage failed;
  if (!Decode(packet.payload(), failed)) return Violation("a malformed Failed");
  // Before its Hello a template answers nothing but its own start.
  if (state_ == State::kStarting) return Kill(LaunchFailureStatus("start of " + name_, failed));
  // Whoever asked is still among those who are told of the template's end.
  const TemplateSandbox* const sandbox = children_.sandbox.get();
  if (failed.error == ENOMEM && sandbox != nullptr && sandbox->children.chain->HasLostItsInit()) {
    return Kill(EndOfInit(name_));
  }
  const uint64_t id = packet.frame().request_id;
  const std::optional<AskedFork> asked = TakeRequester(id);
  if (!asked) return Violation("an unasked Failed");
  CountAnswer();
  if (asked->requester != nullptr) asked->requester->OnForkFailed(id, failed);
}

}  // namespace forkserver
