#include "tests/sandbox/sibling_program.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "transceiver/clock.h"
#include "transceiver/messages.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"
#include "transceiver/poll_until.h"

namespace forkserver::testing {
namespace {

constexpr uint16_t kQuestion = kFirstApplicationType;
constexpr char kSibling[] = "sibling";

// Each on pages of its own: attempts advise the kernel on whole pages.
alignas(4096) char secret[4096];
alignas(4096) char slate[4096];

int BeSibling(ChildContext& context) {
  slate[0] = 1;
  while (context.channel.Receive() == ReceiveOutcome::kMessage) {
    const std::span<const uint8_t> question = context.channel.packet().payload();
    SiblingSelf self = {.secret = reinterpret_cast<uintptr_t>(secret),
                        .slate = reinterpret_cast<uintptr_t>(slate),
                        // What it has that a memfd could be taken for: no policy lets it be taken.
                        .secret_fd = context.channel.fd()};
    // As long as the secret the first time, and anything after it.
    if (question.size() == kSecretBytes) memcpy(secret, question.data(), question.size());
    uint8_t bytes[sizeof(self)];
    memcpy(bytes, &self, sizeof(self));
    if (context.channel.Send({.type = kQuestion}, bytes) != 0) return 1;
  }
  return 0;
}

// Only in a pid namespace, where the machine's processes are out of reach if all else fails.
int SignalAll() {
  if (getppid() != 0) return kExitOutsideOfNamespace;
  return kill(-1, SIGUSR1) == 0 ? 0 : 1;
}

}  // namespace

int MatrixProgram::Run(ChildContext& context) {
  const std::string_view role = context.argv.size() == 1 ? context.argv[0] : "";
  if (role == kSibling) return BeSibling(context);
  return role == kSignalAll ? SignalAll() : AttemptProgram::Run(context);
}

absl::StatusOr<std::unique_ptr<TemplateSibling>> TemplateSibling::Launch(ForkServer& server,
                                                                         LaunchOptions options,
                                                                         std::string_view secret) {
  options.argv = {kSibling};
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return child.status();
  std::unique_ptr<TemplateSibling> made(new TemplateSibling(*std::move(child)));
  const absl::Status asked = made->Ask(secret, &made->self_, sizeof(made->self_));
  if (!asked.ok()) return asked;
  return made;
}

void TemplateSibling::Aim(AttemptTargets& targets) const {
  // The one that it has where the attempt is made.
  targets.sibling_pid = child_.times.child.pid;
  targets.sibling_secret = self_.secret;
  targets.sibling_slate = self_.slate;
  targets.sibling_secret_fd = self_.secret_fd;
}

absl::Status TemplateSibling::IsAlive() {
  SiblingSelf self;
  return Ask("?", &self, sizeof(self));
}

absl::Status TemplateSibling::Ask(std::string_view question, void* answer, size_t size) {
  const int sent =
      SendPacket(child_.socket.get(), Blocking::kWait, {.type = kQuestion},
                 {reinterpret_cast<const uint8_t*>(question.data()), question.size()}, {});
  uint8_t buffer[256];
  Packet packet(buffer);
  const int64_t deadline = NowNanos() + 60 * kNanosPerSecond;
  if (sent != 0 || PollUntil(child_.socket.get(), POLLIN, deadline) <= 0 ||
      ReceivePacket(child_.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage ||
      packet.payload().size() != size) {
    return absl::InternalError(
        absl::StrCat("the sibling, pid ", child_.process.pid(), ", does not answer"));
  }
  memcpy(answer, packet.payload().data(), size);
  return absl::OkStatus();
}

}  // namespace forkserver::testing
