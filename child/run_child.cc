#include "child/run_child.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <new>

#include "child/apply_plan.h"
#include "child/flight/crash_handler.h"
#include "child/flight/flight_record.h"
#include "child/refusal.h"
#include "preload/refresh/process_secrets.h"
#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

constexpr SandboxReport kNoSandbox;

[[noreturn]] void FailAndExit(int socket, const Packet& packet, const FailedMessage& message) {
  SendFailed(socket, packet, message);
  _exit(kExitFailed);
}

[[noreturn]] void FailAndExit(int socket, const Packet& packet, const StepFailure& failure) {
  FailAndExit(socket, packet,
              FailedMessage{.step = static_cast<uint16_t>(failure.step),
                            .about = packet.frame().type,
                            .error = failure.error,
                            .index = failure.index,
                            .detail = {}});
}

// Returns with a Plan in `packet`.
FORKSERVER_LAUNCH_PATH void ReceivePlan(int socket, Packet& packet) {
  for (;;) {
    const PacketOutcome outcome = ReceivePacket(socket, Blocking::kWait, packet);
    if (outcome == PacketOutcome::kClosed) _exit(kExitOrphaned);
    if (outcome == PacketOutcome::kError || outcome == PacketOutcome::kWouldBlock) {
      const int error = outcome == PacketOutcome::kError ? packet.error() : EAGAIN;
      if (error == ENOTSOCK) _exit(kExitOrphaned);  // nobody could be told
      FailAndExit(socket, packet, StepFailure{LaunchStep::kPlan, error});
    }
    const FailedMessage refusal = CheckRequest(outcome, packet);
    if (refusal.error != 0) FailAndExit(socket, packet, refusal);
    switch (packet.frame().type) {
      case kPlan:
        return;
      case kPing:
        SendPacket(socket, Blocking::kWait,
                   {.type = kPong, .request_id = packet.frame().request_id}, packet.payload(), {});
        break;
      case kShutdown:
        _exit(0);
      default:
        FailAndExit(socket, packet, RefuseRequest(packet));
    }
  }
}

// The Plan's bytes, from the packet or from the memfd that came in its place.
FORKSERVER_LAUNCH_PATH StepFailure LocatePlan(Packet& packet, Mapping& mapping,
                                              std::span<const uint8_t>& bytes) {
  bytes = packet.payload();
  if ((packet.frame().flags & kPayloadInMemfd) == 0) return {};
  DescriptorList& descriptors = packet.descriptors();
  const UniqueFd memfd = descriptors.Take(descriptors.size() - 1);
  const int error = MapSealedMemfd(memfd.get(), kMaxPlanBytes, SealedAccess::kPrivateCopy, mapping);
  if (error == EFBIG) return {LaunchStep::kEnvironment, E2BIG};
  if (error != 0) return {LaunchStep::kPlan, error};
  bytes = mapping.bytes();
  return {};
}

// What an exec'ed child has engaged by itself goes with it; it keeps no listener.
FORKSERVER_LAUNCH_PATH int SendReady(int socket, const Packet& plan, ChildUnderConstruction& child,
                                     ExecedSandbox* execed_sandbox) {
  UniqueFd listener;
  if (execed_sandbox != nullptr && execed_sandbox->report().level != kSandboxOff) {
    child.ready.sandbox = execed_sandbox->report();
    listener = execed_sandbox->TakeListener();
  }
  const int fd = listener.get();
  uint8_t ready[ReadyMessage::kMostBytes];
  return SendWhenAllowed(socket, {.type = kReady, .request_id = plan.frame().request_id},
                         Encode(child.ready, ready),
                         {&fd, listener.is_open() ? size_t{1} : size_t{0}});
}

// Its host's for the rest of its life; without one, also not its template's, whose it was before.
FORKSERVER_LAUNCH_PATH FlightRecord* KeepFlightRecord(UniqueFd file) {
  FlightRecord* record = nullptr;
  if (file.is_open()) MapFlightRecord(file.get(), record);
  SetCrashRecord(record);
  return record;
}

const SandboxReport& SandboxOf(const ChildStart& start) {
  if (start.sandbox != nullptr) return *start.sandbox;
  return start.execed_sandbox != nullptr ? start.execed_sandbox->report() : kNoSandbox;
}

AnnotationTable* AnnotationsOf(FlightRecord* record) {
  return record != nullptr ? &record->annotations : nullptr;
}

TelemetryArea* TelemetryOf(FlightRecord* record) {
  return record != nullptr ? &record->telemetry : nullptr;
}

RecordedUntil RecordsUntil(ProcessType type, const ChildProgram& program) {
  const RecordedUntil until = FindProcessType(type)->recorded_until;
  return until == RecordedUntil::kStarted && !program.HasStartSteps() ? RecordedUntil::kReady
                                                                      : until;
}

}  // namespace

// No frame here is compared with the canary that it changes.
FORKSERVER_LAUNCH_PATH [[gnu::no_stack_protector]] void RunChild(ChildStart start) noexcept {
  UniqueFd& socket = start.launch_socket;
  FlightRecord* const record = KeepFlightRecord(std::move(start.flight_record));
  int own_layers_error = kNotAdded;
  if (start.plan == PlanArrival::kLater) {
    // Or it would be called as its template is, for as long as nobody takes it.
    RawSyscall(SYS_prctl, PR_SET_NAME, "fs-blank");
    if (start.learned != nullptr) PopulatePages(*start.learned, Populated::kAll);
    own_layers_error = AddOwnLayers(start.own_layers);
  }
  static_assert(sizeof(Packet) <= ChildArena::kPacketBytes);
  Packet& packet = *new (start.arena.packet_room().data()) Packet(start.arena.plan_buffer());
  ReceivePlan(socket.get(), packet);

  ChildUnderConstruction child = {.image = start.image,
                                  .arena = start.arena,
                                  .programs = start.programs,
                                  .launch_socket = socket,
                                  .received = packet.descriptors(),
                                  .own_layers = start.own_layers,
                                  .own_layers_error = own_layers_error,
                                  .execed_sandbox = start.execed_sandbox,
                                  .plan_bytes = packet.payload().size(),
                                  .flight_record = record};
  child.ready.build_id = start.image.build_id;
  child.ready.pid = static_cast<int32_t>(RawSyscall(SYS_getpid));
  child.ready.started_at = start.started_at;
  child.ready.plan_received_at = start.image.clock.Now();

  Mapping large_plan;
  std::span<const uint8_t> bytes;
  PlanView plan;
  StepFailure failure = LocatePlan(packet, large_plan, bytes);
  if (!failure.failed()) failure = DecodePlan(bytes, plan);
  if (!failure.failed()) failure = ApplyPlan(plan, child);
  if (failure.failed()) FailAndExit(socket.get(), packet, failure);

  child.ready.done_at[static_cast<size_t>(LaunchStep::kReady)] = start.image.clock.Now();
  if (const int error = SendReady(socket.get(), packet, child, start.execed_sandbox); error != 0) {
    if (error == EPIPE || error == ECONNRESET) _exit(kExitOrphaned);
    // It may have been for want of memory, of which a few bytes need less.
    FailAndExit(socket.get(), packet, StepFailure{LaunchStep::kReady, error});
  }

  // The host may wait for this processor: it goes first.
  RawSyscall(SYS_sched_yield);

  if (record != nullptr) record->step = static_cast<uint32_t>(LaunchStep::kReady);

  // What cannot fail and nobody else sees waits until here, while the host wakes up.
  if (child.environment != nullptr) environ = child.environment;
  start.image.thread_block.Restore();
  if (start.image.secrets.Refresh() != 0) _exit(kExitNotRefreshed);
  if (child.debug_pause.has_begun()) {
    child.debug_pause.WaitForDebugger(
        ProcessTypeName(child.program->type()),
        SandboxOf(start).level == kSandboxOff ? InSandbox::kNo : InSandbox::kYes);
  }
  const std::unique_ptr<ChildProgram> program = child.program->Make();
  PageRecorder recorder(start.record);
  const RecordedUntil until = RecordsUntil(child.program->type(), *program);
  recorder.Ready(until);
  if (start.learned != nullptr && start.plan == PlanArrival::kOnItsWay &&
      until == RecordedUntil::kFirstWork) {
    PopulatePages(*start.learned, Populated::kFolios);
  }

  MiniTransceiver channel(std::move(socket), start.arena.channel_buffer());
  ChildContext context = {.type = child.program->type(),
                          .argv = child.argv,
                          .channel = channel,
                          .prefs = child.prefs,
                          .ready = child.ready,
                          .recorder = recorder,
                          .sandbox = SandboxOf(start),
                          .births = child.births,
                          .annotations = Annotations(AnnotationsOf(record)),
                          .telemetry = TelemetryWriter(TelemetryOf(record), start.metrics)};
  const int status = program->Run(context);
  recorder.FirstWorkDone();
  fflush(nullptr);
  _exit(status);
}

}  // namespace forkserver
