#include "tests/forkserver/templates_host.h"

#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/host_test.h"
#include "tests/testing/lasting_thread.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {

testing::Gate* testing::gate = nullptr;

namespace {

using testing::gate;
using testing::Gate;
using testing::HostSetup;
using testing::kSoon;

// What the warm-ups of a child's template, and of those above it, have built.
std::string* warmth = nullptr;

// "warmth" sends it; all else is TestProgram's.
class WarmProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    if (context.argv.empty() || std::string_view(context.argv[0]) != "warmth") {
      return TestProgram::Run(context);
    }
    const std::string text = warmth != nullptr ? *warmth : "cold";
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    return context.channel.Send({.type = testing::kEcho}, {bytes, text.size()}) == 0 ? 0 : 1;
  }
};

WarmUp Building(const std::string& what) {
  return {what, [what] {
            if (warmth == nullptr) warmth = new std::string;
            if (!warmth->empty()) warmth->append(" ");
            warmth->append(what);
            return absl::OkStatus();
          }};
}

// A warm-up that passes the gate, and does `what` the first time that it runs in any process.
WarmUp TheFirstTime(absl::Status (*what)()) {
  return {"the first time", [what] {
            gate->Pass();
            return gate->arrivals() == 1 ? what() : absl::OkStatus();
          }};
}

WarmUp WaitAtTheGate() {
  return {"wait", [] {
            gate->Pass();
            return absl::OkStatus();
          }};
}

// root > page > article > comment; content comes from page.
HostSetup FourLevels() {
  HostSetup setup;
  for (const ProcessType type :
       {ProcessType::kContent, ProcessType::kUtility, ProcessType::kIpcUnitTest}) {
    setup.options.programs.push_back({type, MakeChildProgram<WarmProgram>});
  }
  setup.options.warm_ups = {Building("root")};
  setup.options.templates = {
      {.name = "page", .types = {ProcessType::kContent}, .warm_ups = {Building("page")}},
      {.name = "article", .parent = "page", .warm_ups = {Building("article")}},
      {.name = "comment", .parent = "article", .warm_ups = {Building("comment")}},
  };
  setup.before_start = [] { gate = Gate::Map(); };
  return setup;
}

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = FourLevels();
  std::vector<TemplateOptions>& templates = setup.options.templates;
  TemplateOptions& page = templates[0];
  TemplateOptions& article = templates[1];
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  if (is("Ahead")) article.start = TemplateStart::kAhead;
  if (is("AtTheGate")) page.warm_ups.push_back(WaitAtTheGate());
  if (is("ArticleWaits")) article.warm_ups.push_back(WaitAtTheGate());
  if (is("Evict")) page.evict_after = kSoon;
  if (is("EvictedAtOnce")) page.evict_after = absl::ZeroDuration();
  // More nanoseconds than there are, and not InfiniteDuration.
  if (is("IdleForCenturies")) page.evict_after = absl::Hours(300 * 366 * 24);
  if (is("CrashInEvery")) {
    page.warm_ups.push_back({"always", [] {
                               raise(SIGSEGV);
                               return absl::OkStatus();
                             }});
  } else if (is("Crash")) {
    page.warm_ups.push_back(TheFirstTime([] {
      raise(SIGSEGV);
      return absl::OkStatus();
    }));
  }
  if (is("ThreadLeft")) {
    page.warm_ups.push_back(TheFirstTime([] {
      testing::LeaveAThread("font-scanner");
      return absl::OkStatus();
    }));
  }
  if (is("WarmUpThatFails")) {
    page.warm_ups.insert(page.warm_ups.begin(),
                         {"no font", [] { return absl::NotFoundError("no such font"); }});
  }
  if (is("ExecedRoot")) {
    setup.before_start = testing::LeaveAThreadInTheHost;
  }
  // Where it is not about that, nobody waits, and nobody gives up.
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  if (is("BackedOff")) {
    setup.options.restart = {
        .first_delay = absl::Hours(1), .longest_delay = absl::Hours(1), .jitter = 0};
    if (is("ForAMoment")) setup.options.restart.first_delay = absl::Milliseconds(50);
    if (is("UnlessItHasSettled")) setup.options.restart.settled_after = absl::ZeroDuration();
  }
  setup.drain_after_body = !is("DestroyedServer");
  setup.wait_until_serving = !is("AtOnce");
  return setup;
}

namespace testing {

using State = TemplateStatus::State;

LaunchOptions From(std::string_view template_name, std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = std::move(argv),
          .way = LaunchWay::kTemplate,
          .when_template_dies = WhenTemplateDies::kFail,
          .template_name = std::string(template_name)};
}

LaunchOptions Any(std::string_view template_name, std::vector<std::string> argv) {
  LaunchOptions options = From(template_name, std::move(argv));
  options.way = LaunchOptions().way;
  options.when_template_dies = LaunchOptions().when_template_dies;
  return options;
}

std::string WarmthOf(ForkServer& server, const LaunchOptions& options) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return child.status().ToString();
  uint8_t buffer[256];
  Packet packet(buffer);
  if (ReceivePacket(child->socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "no message";
  }
  return {packet.payload().begin(), packet.payload().end()};
}

bool Echoes(const LaunchedChild& child) {
  uint8_t buffer[64];
  Packet packet(buffer);
  return SendPacket(child.socket.get(), Blocking::kWait, {.type = testing::kEcho}, {}, {}) == 0 &&
         ReceivePacket(child.socket.get(), Blocking::kWait, packet) == PacketOutcome::kMessage;
}

State StateOf(const ForkServer& server, std::string_view name) {
  return StatusOf(server, name).state;
}

bool ComesToBeForked(ForkServer& server, std::string_view name) {
  return DispatchUntil(server, [&] { return StatusOf(server, name).pid.has_value(); });
}

bool ComesToServe(ForkServer& server, std::string_view name) {
  return DispatchUntil(server, [&] { return StateOf(server, name) == State::kServing; });
}

bool ComesToBeDead(ForkServer& server, std::string_view name) {
  return DispatchUntil(server, [&] { return StateOf(server, name) == State::kDead; });
}

std::optional<pid_t> StopOnceItServes(ForkServer& server, std::string_view name) {
  if (!server.WaitUntilServing(name).ok()) return std::nullopt;
  const std::optional<pid_t> pid = StatusOf(server, name).pid;
  return SignalProcess(pid, SIGSTOP).ok() ? pid : std::nullopt;
}

bool Kill(ForkServer& server, std::string_view name) {
  return SignalProcess(StatusOf(server, name).pid, SIGKILL).ok() && ComesToBeDead(server, name);
}

bool ComesToBeEvicted(ForkServer& server, std::string_view name) {
  return DispatchUntil(server, [&] { return StateOf(server, name) == State::kNotStarted; });
}

void LaunchMany(ForkServer& server, const LaunchOptions& options, size_t count, Outcome& outcome) {
  for (size_t i = 0; i < count; ++i) server.LaunchAsync(options, outcome.Count());
}

}  // namespace testing
}  // namespace forkserver
