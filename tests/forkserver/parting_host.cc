// A host that destroys its fork server while a sandboxed child lives: says what it saw, a line
// each.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "forkserver/host/fork_server.h"
#include "transceiver/packet.h"

namespace {

using namespace forkserver;

constexpr uint16_t kTurn = kFirstApplicationType;

// For each message, what an open by the broker gives.
class Opener : public ChildProgram {
 public:
  int Run(ChildContext& context) override {
    while (context.channel.Receive() == ReceiveOutcome::kMessage) {
      const UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
      const int32_t error = fd.is_open() ? 0 : errno;
      context.channel.Send({.type = kTurn},
                           {reinterpret_cast<const uint8_t*>(&error), sizeof(error)});
    }
    return 7;
  }
};

std::string Open(const LaunchedChild& child) {
  SendPacket(child.socket.get(), Blocking::kWait, {.type = kTurn}, {}, {});
  uint8_t buffer[64];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "no answer";
  }
  int32_t error;
  memcpy(&error, packet.payload().data(), sizeof(error));
  return error == 0 ? "opened" : strerrorname_np(error);
}

int CountChildren() {
  std::ifstream all("/proc/thread-self/children");
  int count = 0;
  for (pid_t pid; all >> pid;) ++count;
  return count;
}

int CountThreads() {
  DIR* const tasks = opendir("/proc/self/task");
  int count = -2;  // . and ..
  while (readdir(tasks) != nullptr) ++count;
  closedir(tasks);
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  auto server = ForkServer::Start(argc, argv,
                                  {.programs = {{ProcessType::kDummy, MakeChildProgram<Opener>}},
                                   .templates = {{.name = "sandboxed",
                                                  .sandbox = {.policy = SandboxPolicyId::kContent},
                                                  .pool = kNoPool}}});
  if (!server.ok()) return 1;
  auto child = (*server)->Launch({.type = ProcessType::kDummy, .template_name = "sandboxed"});
  if (!child.ok()) return absl::FPrintF(stderr, "%s\n", child.status().ToString()), 1;
  absl::PrintF("with its server: %s\n", Open(*child));
  server->reset();
  // The child and the init of its pid namespace.
  absl::PrintF("children left: %d, threads left: %d\n", CountChildren(), CountThreads());
  absl::PrintF("without it: %s\n", Open(*child));
  child->socket.reset();
  const auto status = child->process.Wait();
  absl::PrintF("%s\n", status.ok() ? status->ToString() : status.status().ToString());
  absl::PrintF("children left: %d\n", CountChildren());
  return fflush(stdout);
}
