// No two children share what must differ, however they came to be; and what would happen without
// the hooks.
#include <openssl/rand.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "child/run_child.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::HostSetup;
using testing::StatusOf;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kFreezes = false;
#else
constexpr bool kFreezes = true;
#endif

// What a process has that no other process of the host may have.
struct Secrets {
  uint64_t canary = 0;
  std::array<uint8_t, 16> at_random = {};
  std::array<uint8_t, 16> openssl = {};
  std::array<uint32_t, 4> engine = {};
  uint32_t libc_random = 0;
};

// The state of the embedder's own generator, which a warm-up uses and a hook seeds again.
std::mt19937 engine;
// What the hooks leave, in memory that children inherit: "ab" for each process that ran them.
std::string hooks_run;

// Of the templates: written by a warm-up of each, read by the host.
struct OfTemplates {
  Secrets root;
  Secrets nested;
};
OfTemplates* of_templates = nullptr;

Secrets MakeSecrets() {
  Secrets secrets;
#if defined(__x86_64__)
  __asm__ volatile("movq %%fs:0x28, %0" : "=r"(secrets.canary));
#endif
  memcpy(secrets.at_random.data(), reinterpret_cast<const void*>(getauxval(AT_RANDOM)), 16);
  if (RAND_bytes(secrets.openssl.data(), 16) != 1) abort();
  for (uint32_t& number : secrets.engine) number = static_cast<uint32_t>(engine());
  secrets.libc_random = static_cast<uint32_t>(random());
  return secrets;
}

// "secrets" sends its own, "hooks" what the hooks had left when it was made.
class Witness : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    const std::string_view what = context.argv[0];
    if (what == "secrets") {
      const Secrets secrets = MakeSecrets();
      return Send(context, &secrets, sizeof(secrets));
    }
    if (what == "hooks") return Send(context, hooks_at_making_.data(), hooks_at_making_.size());
    return TestProgram::Run(context);
  }

 private:
  static int Send(ChildContext& context, const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    return context.channel.Send({.type = testing::kEcho}, {bytes, size}) == 0 ? 0 : 1;
  }

  const std::string hooks_at_making_ = hooks_run;
};

void SeedEngine() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(), device(), device()};
  engine.seed(seed);
}

constexpr int kExitOfAFailedHook = 41;

std::vector<RefreshHook> Hooks() {
  return {{"openssl",
           [] {
             if (RAND_poll() != 1) abort();
           }},
          {"engine", SeedEngine},
          {"libc", [] { srandom(std::random_device()()); }},
          {"a", [] { hooks_run += 'a'; }},
          {"b", [] {
             hooks_run += 'b';
             if (getenv("FORKSERVER_TEST_FAIL_HOOK") != nullptr) _exit(kExitOfAFailedHook);
           }}};
}

WarmUp UseGenerators(Secrets OfTemplates::*place) {
  return {"generators", [place] {
            of_templates->*place = MakeSecrets();
            return absl::OkStatus();
          }};
}

void ForbidRandomness() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(getrandom), 0);
  if (seccomp_load(filter) != 0) abort();
  seccomp_release(filter);
}

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  // By their rows: no pool, and a pool.
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<Witness>},
                            {ProcessType::kUtility, MakeChildProgram<Witness>}};
  if (test.find("WithoutRandomness") != test.npos) {
    setup.before_start = ForbidRandomness;
    setup.wait_until_serving = false;
    return setup;
  }
  setup.before_start = [] {
    void* const memory = mmap(nullptr, sizeof(OfTemplates), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    of_templates = new (memory) OfTemplates;
  };
  setup.options.warm_ups = {UseGenerators(&OfTemplates::root)};
  setup.options.templates = {{.name = "nested", .warm_ups = {UseGenerators(&OfTemplates::nested)}}};
  if (test.find("WithoutHooks") == test.npos) setup.options.refresh_hooks = Hooks();
  return setup;
}

namespace {

LaunchOptions Options(std::vector<std::string> argv, LaunchWay way = LaunchWay::kFork,
                      const std::string& template_name = "") {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = std::move(argv),
          .way = way,
          .template_name = template_name};
}

std::string AnswerOf(const LaunchedChild& child) {
  uint8_t buffer[256];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "the child died";
  }
  return {packet.payload().begin(), packet.payload().end()};
}

std::string AnswerOf(ForkServer& server, const LaunchOptions& options) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  return child.ok() ? AnswerOf(*child) : child.status().ToString();
}

Secrets SecretsOf(const LaunchedChild& child) {
  Secrets secrets;
  const std::string answer = AnswerOf(child);
  EXPECT_EQ(answer.size(), sizeof(secrets)) << answer;
  if (answer.size() == sizeof(secrets)) memcpy(&secrets, answer.data(), sizeof(secrets));
  return secrets;
}

// Asked for `at_once` at a time, so that no more than that run.
std::vector<Secrets> SecretsOfChildren(ForkServer& server, const LaunchOptions& options,
                                       size_t count, size_t at_once) {
  std::vector<Secrets> all;
  const std::vector<LaunchOptions> batch(at_once, options);
  while (all.size() < count) {
    for (absl::StatusOr<LaunchedChild>& child : server.LaunchAll(batch)) {
      EXPECT_TRUE(child.ok()) << child.status();
      if (!child.ok()) return all;
      all.push_back(SecretsOf(*child));
      EXPECT_TRUE(child->process.Wait()->success());
    }
  }
  return all;
}

template <typename Field>
size_t Distinct(const std::vector<Secrets>& all, Field Secrets::*field) {
  std::set<Field> seen;
  for (const Secrets& one : all) seen.insert(one.*field);
  return seen.size();
}

void ExpectThatNoTwoShare(const std::vector<Secrets>& all) {
#if defined(__x86_64__)
  EXPECT_EQ(Distinct(all, &Secrets::canary), all.size());
#endif
  EXPECT_EQ(Distinct(all, &Secrets::at_random), all.size());
  EXPECT_EQ(Distinct(all, &Secrets::openssl), all.size());
  EXPECT_EQ(Distinct(all, &Secrets::engine), all.size());
  // srandom takes 32 bits: that two of a thousand get the same seed happens once in 9000 times.
  EXPECT_GE(Distinct(all, &Secrets::libc_random) + 1, all.size());
}

HOST_TEST(Refresh, AThousandChildrenOfAFrozenTemplateShareNothing) {
  EXPECT_EQ(StatusOf(server, "root").hello.freeze.frozen(), kFreezes);
  std::vector<Secrets> all = SecretsOfChildren(server, Options({"secrets"}), 1000, 20);
  ASSERT_EQ(all.size(), 1000u);
  all.push_back(of_templates->root);
  ExpectThatNoTwoShare(all);
}

HOST_TEST(Refresh, NoTwoShareWhicheverWayTheyCameToBe) {
  ASSERT_TRUE(server.WaitUntilServing("nested").ok());
  std::vector<Secrets> all = {of_templates->root, of_templates->nested};
  const auto add = [&](const LaunchOptions& options, size_t count) {
    for (const Secrets& one : SecretsOfChildren(server, options, count, 5)) all.push_back(one);
  };
  add(Options({"secrets"}), 20);
  add(Options({"secrets"}, LaunchWay::kFork, "nested"), 20);
  add(Options({"secrets"}, LaunchWay::kExec), 5);
  for (const char* name : {"root", "nested"}) {
    LaunchOptions pooled = testing::Pooled({"secrets"});
    pooled.template_name = name;
    ASSERT_TRUE(server.Launch(pooled).ok());  // from which on there is a blank
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(
          testing::DispatchUntil(server, [&] { return testing::IdleBlanks(server, name) > 0; }));
      const absl::StatusOr<LaunchedChild> child = server.Launch(pooled);
      ASSERT_TRUE(child.ok()) << child.status();
      EXPECT_EQ(child->by, LaunchedBy::kPool);
      all.push_back(SecretsOf(*child));
    }
  }
  ASSERT_EQ(all.size(), 67u);
  ExpectThatNoTwoShare(all);
}

// Without this the others could not fail. OpenSSL compares pids, and these two have two.
HOST_TEST(Refresh, WithoutHooksGeneratorsRepeatThemselvesAndTheProcesssOwnSecretsDoNot) {
  const std::vector<Secrets> all = SecretsOfChildren(server, Options({"secrets"}), 2, 2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].engine, all[1].engine);
  EXPECT_EQ(all[0].libc_random, all[1].libc_random);
  EXPECT_NE(all[0].openssl, all[1].openssl);
  EXPECT_NE(all[0].at_random, all[1].at_random);
#if defined(__x86_64__)
  EXPECT_NE(all[0].canary, all[1].canary);
#endif
}

// Templates too, and each begins with what its template's have left.
HOST_TEST(Refresh, HooksRunInOrderBeforeTheProgramIsMadeInEveryProcessButTheSeed) {
  EXPECT_EQ(hooks_run, "");  // nor in the host
  EXPECT_EQ(AnswerOf(server, Options({"hooks"})), "abab");
  EXPECT_EQ(AnswerOf(server, Options({"hooks"}, LaunchWay::kFork, "nested")), "ababab");
  EXPECT_EQ(AnswerOf(server, Options({"hooks"}, LaunchWay::kExec)), "ab");
}

HOST_TEST(Refresh, HookThatEndsTheProcessEndsTheChildAndNotItsTemplate) {
  LaunchOptions options = Options({"hooks"});
  options.set_environment = {"FORKSERVER_TEST_FAIL_HOOK=1"};
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(AnswerOf(*child), "the child died");
  EXPECT_EQ(child->process.Wait()->code, kExitOfAFailedHook);
  EXPECT_EQ(AnswerOf(server, Options({"hooks"})), "abab");
}

HOST_TEST(Refresh, HookWithoutAFunctionIsInvalidAndNamed) {
  char name[] = "program";
  char* argv[] = {name, nullptr};
  const absl::Status status =
      ForkServer::Start(1, argv, {.refresh_hooks = {{"openssl", nullptr}}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(std::string(status.message()), "start: refresh hook 'openssl' has no function to run");
}

// Old secrets are worse than no child.
HOST_TEST(Refresh, WithoutRandomnessNoProgramRuns) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"hooks"}, LaunchWay::kExec));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(AnswerOf(*child), "the child died");
  EXPECT_EQ(child->process.Wait()->code, kExitNotRefreshed);
  const absl::Status waited = server.WaitUntilServing().status();
  EXPECT_TRUE(std::string_view(waited.message().data(), waited.message().size())
                  .starts_with("root template died: the peer is gone"))
      << waited;
}

}  // namespace
}  // namespace forkserver
