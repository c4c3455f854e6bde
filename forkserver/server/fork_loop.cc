#include "forkserver/server/fork_loop.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <string_view>

#include "child/child_arena.h"
#include "child/launch_step.h"
#include "child/refusal.h"
#include "child/run_child.h"
#include "child/touched_pages.h"
#include "forkserver/server/page_learner.h"
#include "transceiver/launch_path.h"
#include "transceiver/mapping.h"
#include "transceiver/messages.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr int kExitSocketFailed = 2;

// No message for a template is larger; one that is, is rejected as truncated.
constexpr size_t kRequestBytes = 1024;

// clone(2): CLONE_PARENT is EINVAL for the init of a pid namespace.
std::string_view WhyNotCloned(int error) {
  return error == EINVAL && getpid() == 1 ? "the template is the init of a pid namespace" : "";
}

// What the loop receives and sends, on a page of its own.
struct LoopState {
  explicit LoopState(int socket) : channel(UniqueFd(socket), buffer) {}

  uint8_t buffer[kRequestBytes];
  uint8_t answer[FailedMessage::kMaxBytes];
  MiniTransceiver channel;
};

class Server {
 public:
  Server(const ForkLoop& loop, const ChildArena& arena, LoopState& state)
      : loop_(loop), arena_(arena), state_(state) {}

  int Serve() {
    for (;;) {
      const ReceiveOutcome outcome = state_.channel.Receive();
      if (outcome == ReceiveOutcome::kClosed) return 0;
      if (outcome == ReceiveOutcome::kError) return kExitSocketFailed;
      Packet& packet = state_.channel.packet();
      const FailedMessage refusal = CheckRequest(
          outcome == ReceiveOutcome::kRejected ? PacketOutcome::kRejected : PacketOutcome::kMessage,
          packet);
      if (refusal.error == 0 && packet.frame().type == kShutdown) return 0;
      // The host waits for what it cannot be told, until it kills whoever owes it for silence: an
      // end says the same at once.
      if (!Answer(packet, refusal)) return kExitSocketFailed;
    }
  }

 private:
  // False: the answer could not be sent.
  FORKSERVER_LAUNCH_PATH bool Answer(Packet& packet, const FailedMessage& refusal) {
    if (refusal.error != 0) return SendFailed(loop_.socket, packet, refusal) == 0;
    switch (packet.frame().type) {
      case kFork:
        return Fork(packet);
      case kPing:
        return state_.channel.Send({.type = kPong, .request_id = packet.frame().request_id},
                                   packet.payload()) == 0;
      default:
        return SendFailed(loop_.socket, packet, RefuseRequest(packet)) == 0;
    }
  }

  // False: the host could not be told. It finds the child, where there is one, by the record of
  // births, which has room for one: so there must be no other after it.
  FORKSERVER_LAUNCH_PATH bool Fork(Packet& packet) {
    const int64_t received_at = loop_.image.clock.Now();
    UniqueFd launch_socket = packet.descriptors().Take(0);
    UniqueFd flight_record =
        packet.descriptors().size() > 1 ? packet.descriptors().Take(1) : UniqueFd();
    const bool is_blank = (packet.frame().flags & kBlank) != 0;
    PageRecord* const record = loop_.learning == Learning::kOn ? learner_.BeforeFork() : nullptr;
    const ClonedProcess cloned = CloneOnFreshStackPage(
        {.launch_socket = launch_socket,
         .flight_record = flight_record,
         .told = loop_.births != nullptr ? loop_.births->Begin(packet.frame().request_id) : nullptr,
         .record = record,
         .is_blank = is_blank});
    const int64_t cloned_at = loop_.image.clock.Now();
    if (record != nullptr) learner_.AfterFork();

    // Before the launch socket is closed, which is how its other end learns that there is no child:
    // whoever sees that looks here for the reason.
    if (cloned.pid < 0) {
      return SendFailed(loop_.socket, packet,
                        {.step = static_cast<uint16_t>(LaunchStep::kFork),
                         .about = kFork,
                         .error = -cloned.pid,
                         .index = 0,
                         .detail = WhyNotCloned(-cloned.pid)}) == 0;
    }
    launch_socket.reset();
    flight_record.reset();
    return AnswerForked(packet.frame().request_id, cloned.pidfd.get(),
                        {.pid = cloned.pid, .received_at = received_at, .cloned_at = cloned_at});
  }

  // The bound on the user's descriptors in flight may be reached by what waits behind this very
  // answer, which then must not wait for it: without the pidfd the host opens one by the pid.
  FORKSERVER_LAUNCH_PATH bool AnswerForked(uint64_t id, int pidfd, const ForkedMessage& forked) {
    const Frame frame = {.type = kForked, .request_id = id};
    const std::span<const uint8_t> payload = Encode(forked, state_.answer);
    int error = SendPacket(loop_.socket, Blocking::kWait, frame, payload, {&pidfd, 1});
    if (error == ETOOMANYREFS)
      error = SendPacket(loop_.socket, Blocking::kWait, frame, payload, {});
    return error == 0;
  }

  struct Birth {
    UniqueFd& launch_socket;
    UniqueFd& flight_record;
    pid_t* told;  // not mapped in the child
    PageRecord* record;
    bool is_blank;
  };

  // A child copies each page of the stack that it writes to, and what it needs up to Ready is less
  // than a page: so its frames begin at the top of one.
  FORKSERVER_LAUNCH_PATH [[gnu::noinline]] ClonedProcess CloneOnFreshStackPage(const Birth& birth) {
    constexpr uintptr_t kPageBytes = 4096;
    const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    char* const rest_of_page = static_cast<char*>(__builtin_alloca(here % kPageBytes));
    __asm__ volatile("" : : "r"(rest_of_page) : "memory");  // keeps it
    return Clone(birth);
  }

  // Returns in the template only.
  FORKSERVER_LAUNCH_PATH [[gnu::noinline]] ClonedProcess Clone(const Birth& birth) {
    ClonedProcess cloned = loop_.cloner.Clone(ChildParent::kCallersParent, birth.told);
    // In the child state_ is not mapped any more: nothing below may touch it or the packet.
    if (cloned.pid == 0) StartChild(birth);
    // Another object: `cloned` itself would be on the caller's page, which the child would copy.
    return {.pid = cloned.pid, .pidfd = std::move(cloned.pidfd)};
  }

  FORKSERVER_LAUNCH_PATH [[noreturn]] void StartChild(const Birth& birth) {
    const int64_t started_at = loop_.image.clock.Now();
    // A blank that waits for its Plan must not keep the template's socket open: the host would
    // not see the template die.
    RawSyscall(SYS_close, loop_.socket);
    RunChild({.launch_socket = UniqueFd(birth.launch_socket.get()),
              .flight_record = UniqueFd(birth.flight_record.get()),
              .started_at = started_at,
              .image = loop_.image,
              .programs = loop_.programs,
              .arena = arena_,
              .record = birth.record,
              .learned = learner_.pages(),
              .plan = birth.is_blank ? PlanArrival::kLater : PlanArrival::kOnItsWay,
              .sandbox = &loop_.sandbox,
              .own_layers = loop_.own_layers,
              .metrics = loop_.metrics});
  }

  static_assert(sizeof(TouchedPages) <= ChildArena::kTemplateRoomBytes);

  const ForkLoop& loop_;
  const ChildArena& arena_;
  LoopState& state_;
  PageLearner learner_{arena_.template_room()};
};

}  // namespace

int ForkLoop::Map(std::string_view& call) {
  call = "mmap for the children";
  if (const int error = arena.Map(); error != 0) return error;
  if (births != nullptr) return 0;
  if (const int error =
          memory.Map(sizeof(LoopState), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
      error != 0) {
    return error;
  }
  call = "madvise DONTFORK of what children do not get";
  return madvise(memory.bytes().data(), memory.bytes().size(), MADV_DONTFORK) == 0 ? 0 : errno;
}

FORKSERVER_LAUNCH_PATH int ForkLoop::Run() const {
  const std::span<uint8_t> room = births != nullptr ? births->room() : memory.bytes();
  static_assert(sizeof(LoopState) <= BirthRecord::kBytes - sizeof(BirthRecord));
  static_assert(alignof(LoopState) <= alignof(BirthRecord));
  LoopState* state = new (room.data()) LoopState(socket);
  const int status = Server(*this, arena, *state).Serve();
  (void)state->channel.TakeSocket().release();  // borrowed
  return status;
}

}  // namespace forkserver
