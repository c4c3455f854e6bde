#include "tests/sandbox_work/work_host.h"

#include <errno.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "child/sandbox/sandbox_policy.h"
#include "tests/testing/test_program.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace forkserver::sandbox_work {
namespace {

class Worker : public ChildProgram {
 public:
  explicit Worker(std::shared_ptr<const std::vector<Work>> works) : works_(std::move(works)) {}

  int Run(ChildContext& context) override {
    std::string said = "there is no such work";
    for (const Work& work : *works_) {
      if (work.name != context.argv[0]) continue;
      try {
        said = work.run(context);
      } catch (const std::exception& error) {
        said = error.what();
      }
    }
    return context.channel.Send({.type = testing::kEcho},
                                {reinterpret_cast<const uint8_t*>(said.data()), said.size()});
  }

 private:
  const std::shared_ptr<const std::vector<Work>> works_;
};

}  // namespace

testing::HostSetup WorkHost(std::vector<Work> works, const std::vector<SandboxPolicyId>& policies) {
  const auto shared = std::make_shared<const std::vector<Work>>(std::move(works));
  testing::HostSetup setup = {.options = testing::TestOptions()};
  setup.options.programs = {
      {ProcessType::kIpcUnitTest, [shared] { return std::make_unique<Worker>(shared); }}};
  for (const SandboxPolicyId policy : policies) {
    setup.options.templates.push_back(
        {.name = std::string(SandboxPolicyName(policy)), .sandbox = {.policy = policy}});
  }
  return setup;
}

absl::StatusOr<LaunchedChild> Begin(ForkServer& server, SandboxPolicyId policy,
                                    std::string_view work, LaunchOptions more) {
  more.type = ProcessType::kIpcUnitTest;
  more.template_name = SandboxPolicyName(policy);
  more.timeout = absl::Seconds(30);
  if (more.argv.empty()) more.argv.emplace_back();
  more.argv[0] = work;
  return server.Launch(more);
}

std::string End(LaunchedChild child) {
  uint8_t buffer[4096];
  Packet packet(buffer);
  std::string said = "(nothing said)";
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) == PacketOutcome::kMessage) {
    said.assign(reinterpret_cast<const char*>(packet.payload().data()), packet.payload().size());
  }
  const absl::StatusOr<ExitStatus> end = child.process.Wait(absl::Seconds(60));
  if (!end.ok()) return said + "; " + end.status().ToString();
  return end->success() ? said : said + "; " + end->ToString();
}

std::string Do(ForkServer& server, SandboxPolicyId policy, std::string_view work,
               LaunchOptions more) {
  absl::StatusOr<LaunchedChild> child = Begin(server, policy, work, std::move(more));
  return child.ok() ? End(*std::move(child)) : child.status().ToString();
}

std::string RefusedCalls(const ForkServer& server) {
  std::string text;
  for (const RefusedCall& call : server.refused_calls()) text += ToString(call) + "\n";
  return text;
}

void Fail(const std::string& what) { throw std::runtime_error(what); }

long Check(long result, const std::string& call) {
  if (result < 0) Fail(call + ": " + ErrnoName(errno));
  return result;
}

}  // namespace forkserver::sandbox_work
