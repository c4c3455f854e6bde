#include "tests/deaths/exec_holder.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "tests/deaths/held_process.h"
#include "tests/testing/host_test.h"
#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver::testing {
namespace {

constexpr uint16_t kTraces = kFirstApplicationType;
constexpr uint16_t kStruck = kFirstApplicationType + 1;  // with the pidfd

// What is held before a call and then stopped makes that call first.
bool ComesTo(HeldProcess& child, ExecPhase phase) {
  switch (phase) {
    case ExecPhase::kBeforeExec:
      return true;  // at its first instruction
    case ExecPhase::kBeforePlan:
      return child.HoldBefore(SYS_execveat) && child.HoldBefore(SYS_close);  // the loader's
    case ExecPhase::kAfterPlan:
      return child.HoldAfterReceive();
  }
  return false;
}

// Its arguments: the thread, the phase, the signal. It ends when it is killed.
class HolderProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override {
    HeldProcess host = HeldProcess::Seize(atoi(context.argv[0]));
    const auto phase = static_cast<ExecPhase>(atoi(context.argv[1]));
    const int signal = atoi(context.argv[2]);
    if (context.channel.Send({.type = kTraces}) != 0) return 1;
    while (std::optional<HeldProcess> child = host.HoldNextChild()) {
      if (!ComesTo(*child, phase)) return 2;
      const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child->pid(), 0)));
      if (syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) return 3;
      child->LetGo();
      const int fds[] = {pidfd.get()};
      if (context.channel.Send({.type = kStruck}, {}, fds) != 0) return 4;
    }
    return 0;
  }
};

// The descriptor that came with it, if any.
bool Receive(const UniqueFd& socket, uint16_t type, UniqueFd& descriptor) {
  pollfd readable = {.fd = socket.get(), .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, 10'000) != 1) return false;
  uint8_t buffer[64];
  Packet packet(buffer);
  if (ReceivePacket(socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage ||
      packet.frame().type != type) {
    return false;
  }
  if (packet.descriptors().size() > 0) descriptor = packet.descriptors().Take(0);
  return true;
}

}  // namespace

ChildProgramRow ExecHolder::Program() {
  return {ProcessType::kDummy, MakeChildProgram<HolderProgram>};
}

ExecHolder::ExecHolder(ForkServer& server, ExecPhase phase, int signal) {
  absl::StatusOr<LaunchedChild> holder =
      server.Launch({.type = ProcessType::kDummy,
                     .argv = {std::to_string(gettid()), std::to_string(static_cast<int>(phase)),
                              std::to_string(signal)},
                     .way = LaunchWay::kTemplate,
                     .template_name = "root"});
  EXPECT_TRUE(holder.ok()) << holder.status();
  if (!holder.ok()) return;
  holder_.emplace(*std::move(holder));
  UniqueFd none;
  EXPECT_TRUE(Receive(holder_->socket, kTraces, none)) << "nobody traces the host";
}

UniqueFd ExecHolder::NextStruck() {
  UniqueFd pidfd;
  EXPECT_TRUE(holder_ && Receive(holder_->socket, kStruck, pidfd)) << "nothing was struck";
  return pidfd;
}

}  // namespace forkserver::testing
