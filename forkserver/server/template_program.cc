#include "forkserver/server/template_program.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child/launch_step.h"
#include "forkserver/server/fork_loop.h"
#include "forkserver/server/hello.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/glibc_allocator.h"
#include "preload/single_thread.h"
#include "transceiver/clock.h"
#include "transceiver/mapping.h"
#include "transceiver/messages.h"

namespace forkserver {
namespace {

constexpr int kExitCannotServe = 1;

// From the freeze on nothing here may write to memory that was there before, but to the stack: what
// the Hello is made of is made before, and encoded into memory of its own.
int FreezeAndServe(const TemplateMakings& makings, int socket, int64_t started_at,
                   std::vector<WarmUpReport> warm_ups, FreezeMethod freeze) {
  HelloMessage hello = {
      .protocol_version = kProtocolVersion,
      .build_id = makings.image.build_id,
      .pid = getpid(),
      .capabilities =
          makings.capabilities | (makings.cloner.has_clone3() ? uint32_t{kForksWithClone3} : 0u) |
          (makings.image.thread_block.tid() != nullptr ? uint32_t{kKeepsThreadIds} : 0u),
      .started_at = started_at,
      .serving_at = 0,
      .warm_ups = std::move(warm_ups),
      .freeze = {}};
  const bool is_quiet = makings.image.thread_block.Quiet();
  hello.freeze = FreezeMemory(
      {.method = freeze,
       .thread_block = is_quiet ? ThreadBlockPages::kFrozen : ThreadBlockPages::kLeftOut});
  {
    Mapping buffer;
    if (buffer.Map(kMaxPayloadBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1) !=
        0) {
      return kExitCannotServe;
    }
    hello.serving_at = NowNanos();
    if (SendPacket(socket, Blocking::kWait, {.type = kHello}, Encode(hello, buffer.bytes()), {}) !=
        0) {
      return kExitCannotServe;
    }
  }
  return ForkLoop{.socket = socket,
                  .cloner = makings.cloner,
                  .image = makings.image,
                  .programs = makings.programs}
      .Run();
}

const TemplateMaking* FindMaking(const TemplateMakings& makings, std::span<char*> argv) {
  if (argv.size() < 2) return &makings.templates.front();
  for (const TemplateMaking& making : makings.templates) {
    if (making.name == argv[1]) return &making;
  }
  return nullptr;
}

int RefuseToServe(ChildContext& context, LaunchStep step, int error, absl::string_view detail) {
  uint8_t payload[FailedMessage::kMaxBytes];
  const FailedMessage failed = {.step = static_cast<uint16_t>(step),
                                .about = 0,
                                .error = error,
                                .index = 0,
                                .detail = {detail.data(), detail.size()}};
  context.channel.Send({.type = kFailed}, Encode(failed, payload));
  return kExitCannotServe;
}

}  // namespace

int TemplateProgram::Run(ChildContext& context) {
  const TemplateMaking* making = FindMaking(makings_, context.argv);
  if (making == nullptr) {
    return RefuseToServe(context, LaunchStep::kPlan, ENOENT, context.argv[1]);
  }
  if (making->freeze == FreezeMethod::kMemfd) PrepareAllocatorForFreeze();
  std::vector<WarmUpReport> reports = RunWarmUps(making->warm_ups);
  // What a warm-up printed must not be printed again by every child.
  fflush(nullptr);
  if (const absl::Status single = CheckSingleThreaded(); !single.ok()) {
    return RefuseToServe(context, LaunchStep::kSingleThread, EBUSY, single.message());
  }
  return FreezeAndServe(makings_, context.channel.fd(),
                        context.ready.done_at[static_cast<size_t>(LaunchStep::kReady)],
                        std::move(reports), making->freeze);
}

int ServeAsSeed(const TemplateMakings& makings, int socket) {
  return FreezeAndServe(makings, socket, NowNanos(), {}, FreezeMethod::kOff);
}

}  // namespace forkserver
