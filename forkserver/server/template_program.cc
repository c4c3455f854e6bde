#include "forkserver/server/template_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "child/launch_step.h"
#include "child/sandbox/engage.h"
#include "child/sandbox/sandbox_level.h"
#include "child/sandbox/sandbox_policy.h"
#include "forkserver/server/fork_loop.h"
#include "forkserver/server/hello.h"
#include "forkserver/server/pid_namespace_init.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/glibc_allocator.h"
#include "preload/single_thread.h"
#include "transceiver/clock.h"
#include "transceiver/mapping.h"
#include "transceiver/messages.h"
#include "transceiver/mini_transceiver.h"

namespace forkserver {
namespace {

constexpr int kExitCannotServe = 1;

// What this template has done when it comes to the sandbox and the freeze.
struct Preparation {
  int64_t started_at = 0;
  BirthRecord* births = nullptr;
  std::vector<WarmUpReport> warm_ups = {};
  FreezeMethod freeze = FreezeMethod::kOff;
  SandboxEngagement sandbox = {};
  SandboxLayers required = 0;
  Learning learning = Learning::kOn;
};

// Says on `socket` that there will be no Hello, and why.
int RefuseToServe(int socket, LaunchStep step, int error, uint32_t index, std::string_view detail) {
  uint8_t payload[FailedMessage::kMaxBytes];
  const FailedMessage failed = {.step = static_cast<uint16_t>(step),
                                .about = 0,
                                .error = error,
                                .index = index,
                                .detail = detail};
  SendPacket(socket, Blocking::kWait, {.type = kFailed}, Encode(failed, payload), {});
  return kExitCannotServe;
}

// For the layer that is required and missing; nothing is, where this is called.
int RefuseWithoutLayer(int socket, const SandboxReport& report, SandboxLayer layer) {
  const std::string detail =
      std::string(SandboxLayerName(layer)) + ": " + LayerStateText(report[layer]);
  // What no call refused (Landlock too old, another layer missing) has no errno.
  const int error = report[layer].error != 0 ? report[layer].error : EOPNOTSUPP;
  return RefuseToServe(socket, LaunchStep::kSandbox, error, static_cast<uint32_t>(layer), detail);
}

// What goes with the Hello, and is closed here when it is gone: whoever holds the listener answers
// for the sandboxed.
struct HelloDescriptors {
  UniqueFd listener;
  PidNamespaceInit init;

  std::span<const int> List(std::span<int, kMostHelloDescriptors> room) const {
    size_t count = 0;
    if (listener.is_open()) room[count++] = listener.get();
    if (init.pidfd() >= 0) {
      room[count++] = init.pidfd();
      room[count++] = init.lifeline();
    }
    return room.first(count);
  }
};

// Nothing of it writes to memory that is frozen: see FreezeAndServe. `call`: what failed.
int SayHello(int socket, HelloMessage& hello, const HelloDescriptors& descriptors,
             std::string_view& call) {
  Mapping buffer;
  call = "mmap hello";
  if (const int error =
          buffer.Map(kMaxPayloadBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
      error != 0) {
    return error;
  }
  call = "sendmsg hello";
  hello.serving_at = NowNanos();
  int room[kMostHelloDescriptors];
  return SendWhenAllowed(socket, {.type = kHello}, Encode(hello, buffer.bytes()),
                         descriptors.List(room));
}

// From the freeze on nothing here may write to memory that was there before, but to the stack: what
// the Hello is made of is made before, and encoded into memory of its own.
int FreezeAndServe(const TemplateMakings& makings, int socket, Preparation preparation) {
  SandboxEngagement& sandbox = preparation.sandbox;
  UniqueFd proc_self;
  HelloDescriptors descriptors;
  if (sandbox.report().level != kSandboxOff) {
    // What the freeze reads of /proc is out of sight then.
    proc_self.reset(open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
    sandbox.EnterNamespaces(PidNamespace::kOfItsOwn);
    if (const int error = descriptors.init.Prepare(); error != 0) {
      return RefuseToServe(socket, LaunchStep::kSandbox, error, 0, "socketpair for the init");
    }
  }
  HelloMessage hello = {
      .protocol_version = kProtocolVersion,
      .build_id = makings.image.build_id,
      .pid = getpid(),
      .capabilities =
          makings.capabilities | (makings.cloner.has_clone3() ? uint32_t{kForksWithClone3} : 0u) |
          (makings.image.thread_block.tid() != nullptr ? uint32_t{kKeepsThreadIds} : 0u) |
          (getpid() != 1 ? uint32_t{kHostsChildren} : 0u),
      .started_at = preparation.started_at,
      .serving_at = 0,
      .warm_ups = std::move(preparation.warm_ups),
      .freeze = {},
      .sandbox = {}};
  const bool is_quiet = makings.image.thread_block.Quiet();
  hello.freeze = FreezeMemory(
      {.method = preparation.freeze,
       .thread_block = is_quiet ? ThreadBlockPages::kFrozen : ThreadBlockPages::kLeftOut,
       .proc_self = proc_self.is_open() ? proc_self.get() : kProcByName});
  proc_self.reset();
  sandbox.Lock();
  descriptors.listener = sandbox.TakeListener();
  // Before there is an init, which a template that refuses could not hand over to the host.
  if (const SandboxLayer missing = FirstMissing(sandbox.report(), preparation.required);
      missing != SandboxLayer::kCount) {
    return RefuseWithoutLayer(socket, sandbox.report(), missing);
  }
  ForkLoop loop = {.socket = socket,
                   .births = preparation.births,
                   .cloner = makings.cloner,
                   .image = makings.image,
                   .programs = makings.programs,
                   .sandbox = sandbox.report(),
                   .own_layers = sandbox.own_layers(),
                   .learning = preparation.learning,
                   .metrics = &makings.metrics};
  std::string_view call;
  if (const int error = loop.Map(call); error != 0) {
    return RefuseToServe(socket, LaunchStep::kFork, error, 0, call);
  }
  if (sandbox.report()[SandboxLayer::kPidNamespace].outcome == LayerOutcome::kEngaged) {
    if (const int error =
            descriptors.init.Fork(makings.cloner, sandbox.own_layers(), preparation.births);
        error != 0) {
      sandbox.report().Refused(SandboxLayer::kPidNamespace, SandboxCall::kForkInit, error);
      return RefuseWithoutLayer(socket, sandbox.report(), SandboxLayer::kPidNamespace);
    }
  }
  hello.sandbox = sandbox.report();
  // It may have been for want of memory, of which a few bytes need less.
  if (const int error = SayHello(socket, hello, descriptors, call); error != 0) {
    return RefuseToServe(socket, LaunchStep::kReady, error, 0, call);
  }
  descriptors = {};
  return loop.Run();
}

// Where the broker would only refuse it, no child need try to record its pages.
bool MayReadPagemap(const SandboxPolicy& policy) {
  return policy.calls.AnswerTo(SYS_openat).kind == CallAnswer::Kind::kAsk &&
         std::any_of(policy.files.begin(), policy.files.end(),
                     [](const FileRule& rule) { return rule.path == "/proc/self/pagemap"; });
}

const TemplateMaking* FindMaking(const TemplateMakings& makings, std::span<char*> argv) {
  if (argv.size() < 2) return &makings.templates.front();
  for (const TemplateMaking& making : makings.templates) {
    if (making.name == argv[1]) return &making;
  }
  return nullptr;
}

// Also where it has none of its own: what is inherited holds.
int PrepareSandbox(const TemplateMaking& making, const ChildContext& context,
                   Preparation& preparation) {
  const SandboxOptions& options = making.sandbox;
  SandboxPolicyId id = options.policy;
  int level = SandboxLevel(id, context.prefs);
  if (level == kSandboxOff) {
    id = context.sandbox.policy;
    level = context.sandbox.level;
  }
  if (level == kSandboxOff) return 0;
  const SandboxPolicy policy = MakeSandboxPolicy(id);
  absl::StatusOr<SandboxEngagement> sandbox =
      SandboxEngagement::Prepare(policy, level, context.sandbox);
  if (!sandbox.ok()) {
    return RefuseToServe(context.channel.fd(), LaunchStep::kSandbox, EINVAL, 0,
                         std::string(sandbox.status().message()));
  }
  preparation.sandbox = *std::move(sandbox);
  preparation.required = policy.required | options.required;
  if (!MayReadPagemap(policy)) {
    preparation.learning = Learning::kOff;
  }
  return 0;
}

}  // namespace

int TemplateProgram::Run(ChildContext& context) {
  const int socket = context.channel.fd();
  const TemplateMaking* making = FindMaking(makings_, context.argv);
  if (making == nullptr) {
    return RefuseToServe(socket, LaunchStep::kPlan, ENOENT, 0, context.argv[1]);
  }
  if (making->freeze == FreezeMethod::kMemfd) PrepareAllocatorForFreeze();
  Preparation preparation = {
      .started_at = context.ready.done_at[static_cast<size_t>(LaunchStep::kReady)],
      .births = context.births,
      .warm_ups = RunWarmUps(making->warm_ups),
      .freeze = making->freeze};
  // What a warm-up printed must not be printed again by every child.
  fflush(nullptr);
  if (const absl::Status single = CheckSingleThreaded(); !single.ok()) {
    return RefuseToServe(socket, LaunchStep::kSingleThread, EBUSY, 0,
                         std::string(single.message()));
  }
  if (const int status = PrepareSandbox(*making, context, preparation); status != 0) return status;
  return FreezeAndServe(makings_, socket, std::move(preparation));
}

int ServeAsSeed(const TemplateMakings& makings, int socket, BirthRecord* births) {
  return FreezeAndServe(makings, socket, {.started_at = NowNanos(), .births = births});
}

}  // namespace forkserver
