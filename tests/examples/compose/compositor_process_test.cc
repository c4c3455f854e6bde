// The compositor as a process, in its sandbox, and as a thread of the parent.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_report.h"
#include "examples/browser_host/compose/compositor_child.h"
#include "examples/browser_host/compose/compositor_service.h"
#include "examples/browser_host/compose/picture.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_templates.h"
#include "preload/prefs/prefs_store.h"
#include "tests/examples/compose/drawn_here.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

using forkserver::NowNanos;
using forkserver::ProcessType;
using forkserver::RunsIn;
using forkserver::UniqueFd;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What a compositor that was taken over may answer. The base's width says which it is.
enum class Lie : uint8_t {
  kOtherSize = 1,
  kUnsealed,
  kTooShort,
  kPipe,
  kSilence,
  kDeath,
};

class LyingCompositor : public forkserver::ChildProcess<LyingCompositor, CompositorProtocol> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
  absl::Status Receive(Compose& message, forkserver::Resolver<Composed> resolver) {
    Composed composed = {.picture = {.width = message.base.width, .height = message.base.height}};
    std::vector<uint8_t> bytes(BytesOfPixels(message.base.width, message.base.height));
    UniqueFd& pixels = composed.picture.pixels.fd;
    switch (static_cast<Lie>(message.base.width)) {
      case Lie::kOtherSize:
        composed.picture.height += 1;
        bytes.resize(BytesOfPixels(composed.picture.width, composed.picture.height));
        break;
      case Lie::kUnsealed:
        pixels.reset(memfd_create("lie", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (ftruncate(pixels.get(), static_cast<off_t>(bytes.size())) != 0) _exit(1);
        break;
      case Lie::kTooShort:
        bytes.pop_back();
        break;
      case Lie::kPipe: {
        int pipes[2];
        if (pipe2(pipes, O_CLOEXEC) != 0) _exit(1);
        pixels.reset(pipes[0]);
        close(pipes[1]);
        break;
      }
      case Lie::kSilence:
        kept_.push_back(std::move(resolver));
        return absl::OkStatus();
      case Lie::kDeath:
        _exit(7);
    }
    if (!pixels.is_open()) pixels = *forkserver::CreateSealedMemfd("lie", bytes);
    return resolver.Resolve(composed);
  }

 private:
  std::vector<forkserver::Resolver<Composed>> kept_;
};

}  // namespace
}  // namespace browser_host

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string& test) {
  const bool lies = test.starts_with("LyingCompositor.");
  HostSetup setup;
  setup.options.programs = {
      {ProcessType::kGpu, lies ? MakeChildProgram<browser_host::LyingCompositor>
                               : MakeChildProgram<browser_host::CompositorChild>}};
  setup.options.templates = ProcessTemplates(setup.options.programs);
  browser_host::SetUpCompositorTemplate(setup.options.templates);
  return setup;
}
}  // namespace forkserver

namespace browser_host {
namespace {

class CompositorTest {
 public:
  explicit CompositorTest(forkserver::ForkServer& server, CompositorService::Options options = {})
      : loop_(*forkserver::EventLoop::Create()),
        parent_(*forkserver::ParentProcess::Create(
            {.server = server, .loop = *loop_, .log = [this](std::string_view line) {
               log += std::string(line) + "\n";
             }})) {
    forkserver::PrefsStore store;
    EXPECT_TRUE(parent_->SetPrefs(*store.Publish()).ok());
    options.on_change = [this](const forkserver::ProcessHandle*, const absl::Status& why) {
      if (!why.ok()) last_end = std::string(why.message());
    };
    compositor_ = std::make_unique<CompositorService>(*parent_, std::move(options));
  }
  ~CompositorTest() {
    compositor_.reset();
    // Else the server keeps the last generation's descriptor.
    parent_->server().SetPrefs({});
  }

  CompositorService& compositor() { return *compositor_; }
  std::unique_ptr<CompositorService>& owner() { return compositor_; }
  forkserver::ParentProcess& parent() { return *parent_; }

  void Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 30 * forkserver::kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop_->Run(deadline);
    EXPECT_TRUE(done());
  }
  absl::StatusOr<SharedPicture> Composed(ComposeRequest request) {
    std::optional<absl::StatusOr<SharedPicture>> whole;
    compositor_->Compose(std::move(request), [&](auto composed) { whole = std::move(composed); });
    Until([&] { return whole.has_value(); });
    return whole ? *std::move(whole) : absl::UnknownError("no answer");
  }
  // "as drawn here", the first difference, or the error.
  std::string Compose(const TestPicture& base, const std::vector<TestLayer>& layers) {
    return Said(base, layers, Composed(RequestOf(base, layers)));
  }
  static std::string Said(const TestPicture& base, const std::vector<TestLayer>& layers,
                          const absl::StatusOr<SharedPicture>& whole) {
    if (!whole.ok()) return whole.status().ToString();
    return Compared(Unshare(*whole), DrawnHere(base, layers));
  }
  pid_t pid() {
    Until([&] { return compositor_->process() != nullptr; });
    return compositor_->process()->pid;
  }
  // Those of a message are closed behind its answer: until it has answered one without any.
  void Settle() {
    bool is_answered = false;
    ASSERT_EQ(parent_->processes().size(), 1u);
    parent_->processes()[0]->AskOwnMemory([&](const auto&) { is_answered = true; });
    Until([&] { return is_answered; });
  }
  size_t DescriptorsOfCompositor() {
    Settle();
    const std::filesystem::directory_iterator all(absl::StrFormat("/proc/%d/fd", pid()));
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  std::string log;
  std::string last_end;

 private:
  std::unique_ptr<forkserver::EventLoop> loop_;
  std::unique_ptr<forkserver::ParentProcess> parent_;
  std::unique_ptr<CompositorService> compositor_;
};

std::string RefusedCalls(const forkserver::ForkServer& server) {
  std::string all;
  for (const auto& refused : server.refused_calls()) all += ToString(refused) + "\n";
  return all;
}

std::vector<TestLayer> SomeLayers() {
  return {{Noise(40, 40, 2), {-7, -9, 40, 40}},
          {Noise(50, 20, 3), {70, 60, 50, 20}},
          {Noise(30, 30, 4), {10, 10, 20, 25}},
          {Noise(30, 30, 5), {20, 20, 300, 300}},
          {Noise(5, 5, 6), {200, 0, 5, 5}}};
}

HOST_TEST(CompositorProcess, ComposesUnderItsTypesPolicy) {
  CompositorTest test(server);
  const TestPicture base = Noise(100, 80, 1);
  EXPECT_EQ(test.Compose(base, {}), "as drawn here");
  EXPECT_EQ(test.Compose(base, SomeLayers()), "as drawn here");
  const pid_t pid = test.pid();
  EXPECT_EQ(test.Compose(Noise(1, 1, 9), {{Noise(1, 1, 8), {0, 0, 1, 1}}}), "as drawn here");
  EXPECT_EQ(test.pid(), pid);
  EXPECT_EQ(test.compositor().process()->runs_in, RunsIn::kProcess);
  ASSERT_NE(test.compositor().process()->sandbox, nullptr);
  EXPECT_EQ(test.compositor().process()->sandbox->policy, forkserver::SandboxPolicyId::kGpu);
  EXPECT_EQ(RefusedCalls(server), "");
  EXPECT_EQ(test.log, "");
}

HOST_TEST(CompositorProcess, IsWarmedUpInItsTemplate) {
  CompositorTest test(server);
  test.pid();
  const auto status = forkserver::testing::StatusOf(server, "gpu");
  ASSERT_EQ(status.hello.warm_ups.size(), 1u);
  EXPECT_EQ(status.hello.warm_ups[0].name, "compositor");
  EXPECT_EQ(status.hello.warm_ups[0].error, "");
  EXPECT_EQ(status.hello.warm_ups[0].descriptors, 0);
}

HOST_TEST(CompositorProcess, GivesAPictureThatNobodyCanChange) {
  CompositorTest test(server);
  const absl::StatusOr<SharedPicture> whole =
      test.Composed(RequestOf(Noise(30, 30, 1), {{Noise(5, 5, 2), {3, 3, 5, 5}}}));
  ASSERT_TRUE(whole.ok()) << whole.status();
  const int seals = fcntl(whole->pixels->get(), F_GET_SEALS);
  EXPECT_EQ(seals, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  EXPECT_NE(fcntl(whole->pixels->get(), F_GETFD) & FD_CLOEXEC, 0);
}

HOST_TEST(CompositorProcess, TakesTheLargestPictureAndTheMostLayers) {
  CompositorTest test(server);
  // A hole, which is clear.
  const TestPicture tall = Plain(64, kMostPictureHeight, 0);
  ComposeRequest request = {.base = Share(tall)};
  std::vector<TestLayer> layers;
  for (size_t i = 0; i < kMostLayers; ++i) {
    layers.push_back({Noise(16, 16, static_cast<uint32_t>(i)),
                      {static_cast<int32_t>(i % 60), static_cast<int32_t>(i * 157), 16, 16}});
  }
  EXPECT_EQ(test.Compose(tall, layers), "as drawn here");
  layers.push_back(layers.front());
  EXPECT_EQ(test.Compose(tall, layers), "INVALID_ARGUMENT: 65 layers, over 64");
  EXPECT_EQ(test.compositor().ends(), 0);
}

HOST_TEST(CompositorProcess, ComposesInTheOrderInWhichItWasAsked) {
  CompositorTest test(server);
  const TestPicture base = Noise(60, 60, 1);
  std::string order;
  for (int i = 0; i < 20; ++i) {
    // All of them before it is launched: more descriptors than may lie in its socket.
    test.compositor().Compose(RequestOf(base, SomeLayers()), [&, i](auto whole) {
      EXPECT_EQ(CompositorTest::Said(base, SomeLayers(), whole), "as drawn here");
      order += absl::StrFormat("%d ", i);
    });
  }
  EXPECT_EQ(test.compositor().waiting(), 20u);
  test.Until([&] { return test.compositor().waiting() == 0; });
  EXPECT_EQ(order, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ");
}

HOST_TEST(CompositorProcess, CallersMistakesAreToldAtOnce) {
  CompositorTest test(server, {.most_waiting = 2});
  const auto said = [&](ComposeRequest request) {
    std::string error = "nothing yet";
    test.compositor().Compose(std::move(request), [&](const absl::StatusOr<SharedPicture>& whole) {
      error = std::string(whole.status().message());
    });
    return error;
  };
  EXPECT_EQ(said({}), "base: no picture");
  ComposeRequest request = RequestOf(Plain(2, 2, 0), {{Plain(1, 1, 0), {0, 0, 1, 1}}});
  request.base.width = 10'001;
  EXPECT_EQ(said(request), "base: 10001 by 2 pixels");
  request.base.width = 2;
  request.layers[0].picture.height = 0;
  EXPECT_EQ(said(request), "layer 1: 1 by 0 pixels");
  request.layers[0].picture.pixels = nullptr;
  EXPECT_EQ(said(request), "layer 1: no picture");
  const ComposeRequest good = RequestOf(Plain(2, 2, 0), {});
  for (int i = 0; i < 2; ++i) test.compositor().Compose(good, [](const auto&) {});
  EXPECT_EQ(said(good), "2 pictures wait already");
  test.Until([&] { return test.compositor().waiting() == 0; });
}

SharedPicture MemfdOf(size_t bytes, int seals, uint32_t width, uint32_t height) {
  UniqueFd fd(memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return {
      .pixels = std::make_shared<const UniqueFd>(std::move(fd)), .width = width, .height = height};
}

constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// What the parent has not checked the compositor does, and is as it was.
HOST_TEST(CompositorProcess, RefusesMemoryThatIsNoPictureByName) {
  CompositorTest test(server);
  const TestPicture base = Noise(20, 20, 1);
  EXPECT_EQ(test.Compose(base, {}), "as drawn here");
  const pid_t pid = test.pid();
  const size_t descriptors = test.DescriptorsOfCompositor();
  const auto said = [&](SharedPicture below, std::optional<SharedPicture> layer) {
    ComposeRequest request = {.base = std::move(below)};
    if (layer) {
      request.layers.push_back(
          {.layer = 77, .picture = *std::move(layer), .frame_width = 1, .frame_height = 1});
    }
    return test.Composed(std::move(request)).status().ToString();
  };
  EXPECT_EQ(said(MemfdOf(24, 0, 3, 2), {}), "INVALID_ARGUMENT: base: 3 by 2 pixels: EPERM");
  EXPECT_EQ(said(MemfdOf(20, kAllSeals, 3, 2), {}),
            "INVALID_ARGUMENT: base: 3 by 2 pixels in 20 bytes");
  const SharedPicture good = Share(base);
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE}) {
    EXPECT_EQ(said(good, MemfdOf(24, kAllSeals & ~missing, 3, 2)),
              "INVALID_ARGUMENT: layer 77: 3 by 2 pixels: EPERM");
  }
  EXPECT_EQ(said(good, MemfdOf(28, kAllSeals, 3, 2)),
            "INVALID_ARGUMENT: layer 77: 3 by 2 pixels in 28 bytes");
  EXPECT_EQ(said(good, MemfdOf(0, kAllSeals, 3, 2)),
            "INVALID_ARGUMENT: layer 77: 3 by 2 pixels: ENODATA");
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  const UniqueFd other_end(pipes[1]);
  EXPECT_EQ(said(good, SharedPicture{std::make_shared<const UniqueFd>(pipes[0]), 3, 2}),
            "INVALID_ARGUMENT: layer 77: 3 by 2 pixels: EINVAL");
  EXPECT_EQ(test.Compose(base, SomeLayers()), "as drawn here");
  EXPECT_EQ(test.pid(), pid);
  EXPECT_EQ(test.DescriptorsOfCompositor(), descriptors);
  EXPECT_EQ(test.compositor().ends(), 0);
  EXPECT_EQ(RefusedCalls(server), "");
}

// Sizes that the parent's side would not let pass.
HOST_TEST(CompositorProcess, BelievesNoSizeOfItsParents) {
  CompositorTest test(server);
  CompositorHost host(test.parent());
  host.Launch({});
  const auto said = [&](uint32_t width, uint32_t height, uint32_t layer_width,
                        uint32_t layer_height) {
    browser_host::Compose message;
    const auto pixels = [](uint32_t w, uint32_t h) {
      PictureField field = {.width = w, .height = h};
      field.pixels.fd = *forkserver::CreateSealedMemfd("pixels", std::vector<uint8_t>(16));
      return field;
    };
    message.base = pixels(width, height);
    LayerField& layer = message.layers.items.emplace_back();
    layer = {.layer = 5, .picture = pixels(layer_width, layer_height), .x = 1 - INT32_MAX};
    std::string text;
    const absl::Status asked = host.Ask(message, [&](const absl::StatusOr<Composed>& composed) {
      text = composed.ok() ? "composed" : std::string(composed.status().message());
    });
    if (!asked.ok()) return asked.ToString();
    test.Until([&] { return !text.empty(); });
    return text;
  };
  EXPECT_EQ(said(2, 2, 2, 2), "composed");
  EXPECT_EQ(said(0, 4, 2, 2), "base: 0 by 4 pixels");
  EXPECT_EQ(said(0x40000001, 4, 2, 2), "base: 1073741825 by 4 pixels");
  EXPECT_EQ(said(2, 2, 4, UINT32_MAX), "layer 5: 4 by 4294967295 pixels");
  EXPECT_EQ(said(2, 2, 2, 3), "layer 5: 2 by 3 pixels in 16 bytes");
  EXPECT_EQ(said(2, 2, 2, 2), "composed");

  browser_host::Compose message;
  message.layers.items.resize(kMostLayers + 1);
  EXPECT_FALSE(host.Ask(message, [](const auto&) {}).ok()) << "it cannot even be sent";
}

HOST_TEST(CompositorProcess, ThatDiesTakesOnePictureWithItAndTheNextOneHasAnother) {
  CompositorTest test(server);
  const TestPicture base = Noise(50, 50, 1);
  EXPECT_EQ(test.Compose(base, SomeLayers()), "as drawn here");
  const pid_t first = test.pid();
  const size_t own = forkserver::testing::CountOpenDescriptors();
  const size_t children = forkserver::testing::CountChildren();
  // It stands still with the first one in its socket.
  ASSERT_TRUE(forkserver::testing::SignalProcess(first, SIGSTOP).ok());
  std::vector<std::string> said(3);
  for (std::string& one : said) {
    test.compositor().Compose(RequestOf(base, SomeLayers()), [&](auto whole) {
      one = CompositorTest::Said(base, SomeLayers(), whole);
    });
  }
  ASSERT_TRUE(forkserver::testing::SignalProcess(first, SIGKILL).ok());
  test.Until([&] { return test.compositor().waiting() == 0; });
  EXPECT_THAT(said[0], StartsWith("UNAVAILABLE: "));
  EXPECT_EQ(said[1], "as drawn here");
  EXPECT_EQ(said[2], "as drawn here");
  EXPECT_NE(test.pid(), first);
  EXPECT_EQ(test.compositor().ends(), 1);
  EXPECT_EQ(test.last_end, "killed by SIGKILL");
  EXPECT_EQ(forkserver::testing::CountOpenDescriptors(), own);
  EXPECT_EQ(forkserver::testing::CountChildren(), children);
}

// It has ended, and the loop has not heard of it when the next picture comes.
HOST_TEST(CompositorProcess, ThatIsDeadAlreadyIsReplaced) {
  CompositorTest test(server);
  const TestPicture base = Noise(50, 50, 1);
  EXPECT_EQ(test.Compose(base, {}), "as drawn here");
  const UniqueFd pidfd = forkserver::testing::OpenPidfd(test.pid());
  ASSERT_TRUE(forkserver::testing::SignalProcess(test.pid(), SIGKILL).ok());
  ASSERT_TRUE(forkserver::testing::WaitForEnd(pidfd));
  const std::string said = test.Compose(base, SomeLayers());
  // Whether its socket had taken the message before it was seen to be closed is the kernel's.
  EXPECT_THAT(said, AnyOf("as drawn here", StartsWith("UNAVAILABLE: ")));
  EXPECT_EQ(test.Compose(base, SomeLayers()), "as drawn here");
}

HOST_TEST(CompositorProcess, ThatDoesNotAnswerIsKilled) {
  CompositorTest test(server, {.patience = absl::Milliseconds(100)});
  const TestPicture base = Noise(50, 50, 1);
  EXPECT_EQ(test.Compose(base, {}), "as drawn here");
  const pid_t first = test.pid();
  ASSERT_TRUE(forkserver::testing::SignalProcess(first, SIGSTOP).ok());
  EXPECT_THAT(test.Compose(base, {}), HasSubstr("UNAVAILABLE"));
  test.Until([&] { return test.compositor().ends() == 1; });
  EXPECT_THAT(test.last_end, HasSubstr("killed by SIGKILL, for no answer within 100ms"));
}

void KillTimes(CompositorTest& test, int times) {
  for (int i = 0; i < times; ++i) {
    EXPECT_EQ(test.Compose(Noise(9, 9, 1), {}), "as drawn here");
    ASSERT_TRUE(forkserver::testing::SignalProcess(test.pid(), SIGKILL).ok());
    test.Until([&] { return test.compositor().ends() == i + 1; });
  }
}

HOST_TEST(CompositorProcess, GivenUpGoesOnAsAThreadOfTheParent) {
  CompositorTest test(server);
  test.pid();
  const size_t own = forkserver::testing::CountOpenDescriptors();
  KillTimes(test, forkserver::ServiceProcess<CompositorHost>::kMostEnds);
  const TestPicture base = Noise(100, 80, 1);
  EXPECT_EQ(test.Compose(base, SomeLayers()), "as drawn here");
  EXPECT_EQ(test.compositor().process()->runs_in, RunsIn::kParentThread);
  EXPECT_EQ(test.pid(), getpid());
  // The same checks.
  ComposeRequest bad = RequestOf(base, {});
  bad.layers.push_back({.layer = 3, .picture = MemfdOf(24, 0, 3, 2)});
  EXPECT_EQ(test.Composed(bad).status().ToString(),
            "INVALID_ARGUMENT: layer 3: 3 by 2 pixels: EPERM");
  bad.layers[0].picture = MemfdOf(20, kAllSeals, 3, 2);
  EXPECT_EQ(test.Composed(bad).status().ToString(),
            "INVALID_ARGUMENT: layer 3: 3 by 2 pixels in 20 bytes");
  bad = {};
  test.Settle();
  const size_t with_thread = forkserver::testing::CountOpenDescriptors();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(test.Compose(base, SomeLayers()), "as drawn here");
  test.Settle();
  EXPECT_EQ(forkserver::testing::CountOpenDescriptors(), with_thread);
  test.owner().reset();
  EXPECT_LE(forkserver::testing::CountOpenDescriptors(), own);
}

HOST_TEST(CompositorProcess, GivenUpIsAnErrorWhereTheParentIsToComposeNothing) {
  CompositorTest test(server, {.when_given_up = CompositorService::WhenGivenUp::kNoPictures});
  KillTimes(test, forkserver::ServiceProcess<CompositorHost>::kMostEnds);
  EXPECT_EQ(test.Compose(Noise(9, 9, 1), {}),
            "UNAVAILABLE: gpu: gave up after 3 ends: killed by SIGKILL");
}

HOST_TEST(CompositorProcess, MayBeDestroyedInACallback) {
  CompositorTest test(server);
  bool is_called = false;
  test.compositor().Compose(RequestOf(Noise(9, 9, 1), {}), [&](const auto& whole) {
    EXPECT_TRUE(whole.ok());
    is_called = true;
    test.owner().reset();
  });
  test.compositor().Compose(RequestOf(Noise(9, 9, 1), {}),
                            [](const auto&) { ADD_FAILURE() << "it is dropped"; });
  test.Until([&] { return is_called; });
}

HOST_TEST(CompositorProcess, MayBeDestroyedWithAPictureUnderWayInItsThread) {
  CompositorTest test(server);
  KillTimes(test, forkserver::ServiceProcess<CompositorHost>::kMostEnds);
  EXPECT_EQ(test.Compose(Noise(9, 9, 1), {}), "as drawn here");
  for (int i = 0; i < 2; ++i) {
    test.compositor().Compose(RequestOf(Noise(9, 9, 1), SomeLayers()),
                              [](const auto&) { ADD_FAILURE() << "it is dropped"; });
  }
  test.owner().reset();
}

// One that was taken over is believed nothing: it is killed, and the next one asked.
HOST_TEST(LyingCompositor, IsKilledForWhatItAnswers) {
  const std::pair<Lie, std::string> lies[] = {
      {Lie::kOtherSize, "Compose reply: 1 by 5 pixels, of a base of 1 by 4"},
      {Lie::kUnsealed, "Compose reply: 2 by 4 pixels: EPERM"},
      {Lie::kTooShort, "Compose reply: 3 by 4 pixels in 47 bytes"},
      {Lie::kPipe, "Compose reply: 4 by 4 pixels: EINVAL"}};
  for (const auto& [lie, why] : lies) {
    CompositorTest test(server);
    const TestPicture base = Noise(static_cast<uint32_t>(lie), 4, 1);
    EXPECT_EQ(test.Compose(base, {}), "INTERNAL: " + why);
    test.Until([&] { return test.compositor().ends() == 1; });
    EXPECT_EQ(test.last_end, "killed by SIGKILL, for " + why);
    test.Until([&] { return !test.log.empty(); });
    EXPECT_THAT(test.log, HasSubstr(why));
  }
}

HOST_TEST(LyingCompositor, ThriceIsGivenUpAndAThreadComposes) {
  CompositorTest test(server, {.patience = absl::Milliseconds(500)});
  EXPECT_THAT(test.Compose(Noise(static_cast<uint32_t>(Lie::kDeath), 4, 1), {}),
              StartsWith("UNAVAILABLE: "));
  EXPECT_THAT(test.Compose(Noise(static_cast<uint32_t>(Lie::kSilence), 4, 1), {}),
              StartsWith("UNAVAILABLE: "));
  EXPECT_THAT(test.Compose(Noise(static_cast<uint32_t>(Lie::kUnsealed), 4, 1), {}),
              StartsWith("INTERNAL: "));
  const TestPicture base = Noise(50, 50, 1);
  EXPECT_EQ(test.Compose(base, SomeLayers()), "as drawn here");
  EXPECT_EQ(test.compositor().ends(), 3);
  EXPECT_EQ(test.compositor().process()->runs_in, RunsIn::kParentThread);
}

}  // namespace
}  // namespace browser_host
