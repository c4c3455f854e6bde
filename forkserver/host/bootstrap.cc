#include "forkserver/host/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "child/birth_record.h"
#include "child/child_arena.h"
#include "child/flight/crash_handler.h"
#include "child/flight/flight_record.h"
#include "child/launch_step.h"
#include "child/process_image.h"
#include "child/process_types.h"
#include "child/run_child.h"
#include "child/sandbox/execed_sandbox.h"
#include "forkserver/host/births.h"
#include "forkserver/server/build_id.h"
#include "forkserver/server/hello.h"
#include "transceiver/clock.h"
#include "transceiver/close_strangers.h"
#include "transceiver/errno_status.h"
#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

void SetSignalMask(int how, uint64_t mask) {
  syscall(SYS_rt_sigprocmask, how, &mask, nullptr, sizeof(mask));
}

// Tells the host and the caller why there will be no Ready.
absl::Status RefuseToRun(int launch_socket, int error, std::string_view call) {
  uint8_t payload[FailedMessage::kMaxBytes];
  const FailedMessage failed = {.step = static_cast<uint16_t>(LaunchStep::kPlan),
                                .about = 0,
                                .error = error,
                                .index = 0,
                                .detail = call};
  SendPacket(launch_socket, Blocking::kWait, {.type = kFailed}, Encode(failed, payload), {});
  return ErrnoStatus(error, call);
}

// What a process that is the first of its kind does for all that come of it.
void WatchForCrashes(int file) {
  // The handlers are its children's too, whether it has a record itself or not. Without either it
  // dies as it would without this, and the record says why.
  InstallCrashHandler();
  FlightRecord* record = nullptr;
  if (file >= 0) MapFlightRecord(file, record);
  SetCrashRecord(record);
}

[[noreturn]] void RunSeed(const TemplateMakings& makings, UniqueFd socket, UniqueFd births,
                          int flight_record, pid_t host) noexcept {
  // As every child: the signal, then a look whether it was set too late.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd state = {.fd = socket.get(), .events = POLLRDHUP, .revents = 0};
  const pid_t parent = getppid();
  if ((parent != 0 && parent != host) || poll(&state, 1, 0) > 0) _exit(kExitOrphaned);
  prctl(PR_SET_NAME, "fs-seed");
  if (flight_record != kNobodyKeepsRecords) WatchForCrashes(flight_record);
  if (flight_record >= 0) close(flight_record);
  SetSignalMask(SIG_BLOCK, TerminalSignals());
  MoveEnvironmentToHeap();
  // Of a host that has had a server before; a sandboxed child must not have it.
  SetClosePlace(ClosePlace::kHere);
  BirthRecord* record = nullptr;
  if (births.is_open()) {
    if (const int error = MapBirthRecord(births.get(), record); error != 0) {
      RefuseToRun(socket.get(), error, "mmap memfd births").IgnoreError();
      _exit(kExitFailed);
    }
  }
  births.reset();
  _exit(ServeAsSeed(makings, socket.get(), record));
}

// A program is made in every child, exec'ed ones and templates too, right after Ready: so whoever
// makes it runs the hooks, and nobody can forget them. `hooks` is borrowed.
void RefreshBeforeEach(std::vector<ChildProgramRow>& programs,
                       const std::vector<RefreshHook>& hooks) {
  if (hooks.empty()) return;
  for (ChildProgramRow& row : programs) {
    row.make = [&hooks, make = std::move(row.make)] {
      for (const RefreshHook& hook : hooks) hook.run();
      return make();
    };
  }
}

}  // namespace

uint64_t TerminalSignals() {
  uint64_t mask = 0;
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTSTP}) mask |= uint64_t{1} << (signal - 1);
  return mask;
}

uint64_t CurrentSignalMask() {
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &mask, sizeof(mask));
  return mask;
}

absl::Status OpenClosedStdio() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // Not close-on-exec: it is the process's stdio. open(2) takes the lowest free number.
    const int opened = open("/dev/null", O_RDWR);
    if (opened < 0) return ErrnoStatus(errno, "open /dev/null as stdio");
    // Another thread was faster, and the number is taken.
    if (opened != number) close(opened);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<TemplateMakings>> MakeTemplateMakings(
    int argc, char** argv, std::vector<ChildProgramRow> programs,
    std::vector<TemplateMaking> templates, std::vector<RefreshHook> refresh_hooks,
    std::vector<MetricRow> metrics) {
  for (const ChildProgramRow& row : programs) {
    if (!kLaunchableProcessTypes.contains(row.type)) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "start: programs of type %s are not the embedder's", ProcessTypeName(row.type)));
    }
    if (row.make == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrFormat("start: the program of type %s has no function that makes it",
                          ProcessTypeName(row.type)));
    }
  }
  for (const TemplateMaking& making : templates) {
    for (const WarmUp& warm_up : making.warm_ups) {
      if (warm_up.run != nullptr) continue;
      return absl::InvalidArgumentError(absl::StrFormat(
          "start: template '%s': warm-up '%s' has no function to run", making.name, warm_up.name));
    }
  }
  for (const RefreshHook& hook : refresh_hooks) {
    if (hook.run != nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrFormat("start: refresh hook '%s' has no function to run", hook.name));
  }
  absl::StatusOr<MetricTable> table = MetricTable::Make(std::move(metrics));
  if (!table.ok()) return table.status();
  auto makings = std::make_unique<TemplateMakings>();
  makings->image = {.title_room = FindTitleRoom(argc, argv, environ),
                    .build_id = ComputeBuildId(),
                    .thread_block = ThreadBlock::Find(),
                    .secrets = ProcessSecrets::Find(),
                    .clock = LaunchClock::Find()};
  programs.push_back({ProcessType::kForkServer, [makings = makings.get()] {
                        return std::make_unique<TemplateProgram>(*makings);
                      }});
  makings->refresh_hooks = std::move(refresh_hooks);
  RefreshBeforeEach(programs, makings->refresh_hooks);
  makings->metrics = *std::move(table);
  makings->programs = ChildPrograms(std::move(programs));
  makings->templates = std::move(templates);
  makings->cloner = ProcessCloner::Prepare(makings->image.thread_block.tid());
  makings->capabilities = kSilentChildren;
  return makings;
}

absl::Status RunExecedProcess(TemplateMakings& makings, int launch_socket, int flight_record) {
  const int64_t started_at = NowNanos();
  int type = 0;
  socklen_t size = sizeof(type);
  if (getsockopt(launch_socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    return absl::InvalidArgumentError(
        absl::StrFormat("start: descriptor %d is no launch socket; this argument is for the fork "
                        "server's own processes",
                        launch_socket));
  }
  // What the child execs must not keep its channel open.
  if (fcntl(launch_socket, F_SETFD, FD_CLOEXEC) != 0) {
    return RefuseToRun(launch_socket, errno, "fcntl F_SETFD of the launch socket");
  }
  makings.capabilities &= ~uint32_t{kSilentChildren};
  MoveEnvironmentToHeap();
  ChildArena arena;
  if (const int error = arena.Map(); error != 0) {
    return RefuseToRun(launch_socket, error, "mmap child arena");
  }
  if (flight_record != kNobodyKeepsRecords) InstallCrashHandler();
  ExecedSandbox sandbox;
  RunChild({.launch_socket = UniqueFd(launch_socket),
            .flight_record = UniqueFd(flight_record),
            .started_at = started_at,
            .image = makings.image,
            .programs = makings.programs,
            .arena = arena,
            .metrics = &makings.metrics,
            .execed_sandbox = &sandbox});
}

absl::StatusOr<Seed> ForkSeed(const TemplateMakings& makings, FlightRecorder& recorder) {
  SocketPair sockets;
  if (const int error = CreateSocketPair(sockets); error != 0) {
    return ErrnoStatus(error, "socketpair for the seed");
  }
  absl::StatusOr<NewBirthRecord> births = NewBirthRecord::Create();
  if (!births.ok()) return births.status();
  std::shared_ptr<Flight> flight = recorder.Begin();
  if (flight != nullptr) {
    flight->SetType(ProcessType::kForkServer, "seed", LaunchedBy::kFork, NowNanos());
  }
  const pid_t host = getpid();
  ClonedProcess cloned = makings.cloner.Clone(ChildParent::kCaller);
  if (cloned.pid == 0) {
    makings.image.thread_block.Restore();
    sockets.first.reset();
    RunSeed(makings, std::move(sockets.second), std::move(births->file), RecordOf(flight), host);
  }
  if (cloned.pid < 0) return ErrnoStatus(-cloned.pid, "clone3 of the seed");
  return Seed{.process = Process(cloned.pid, std::move(cloned.pidfd)),
              .socket = std::move(sockets.first),
              .births = std::move(births->memory),
              .flight = std::move(flight)};
}

}  // namespace forkserver
