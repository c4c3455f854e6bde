// The freeze through real templates: their memory stays as it was however often they fork, and
// their children may do with theirs whatever any process may.
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_format.h"
#include "preload/freeze/frozen_memory.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::HostSetup;
using testing::StatusOf;

#if defined(__SANITIZE_ADDRESS__)
constexpr FreezeStep kSanitizer = FreezeStep::kAddressSanitizer;
#elif defined(__SANITIZE_THREAD__)
constexpr FreezeStep kSanitizer = FreezeStep::kThreadSanitizer;
#else
constexpr FreezeStep kSanitizer = FreezeStep::kDone;
#endif
constexpr bool kIsOff = kSanitizer != FreezeStep::kDone;
constexpr char kWhyOff[] = "the freeze is off under this sanitizer";

constexpr size_t kPage = 4096;
constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kRootBytes = 64 * kMiB;
constexpr size_t kNestedBytes = kMiB;
constexpr size_t kBlockBytes = 3 * kMiB;
constexpr int kWords = 10'000;

// What warm-ups have built.
std::unordered_map<std::string, std::string>* words = nullptr;
char* block = nullptr;  // of malloc
char* root_memory = nullptr;
char* nested_memory = nullptr;
char* wiped = nullptr;
char* scribbled = nullptr;
thread_local int thread_number = 5;
thread_local std::string thread_text = "fresh";

std::string Word(int i) { return absl::StrFormat("a word that has its own place, number %d", i); }

char* MapFilled(size_t size, char byte) {
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  return static_cast<char*>(memset(memory, byte, size));
}

// Fast also in a build without optimization.
bool IsFilled(const char* memory, size_t size, char byte) {
  return memory[0] == byte && memcmp(memory, memory + 1, size - 1) == 0;
}

absl::Status BuildObjects() {
  words = new std::unordered_map<std::string, std::string>;
  for (int i = 0; i < kWords; ++i) words->emplace(Word(i), std::to_string(i));
  block = static_cast<char*>(memset(malloc(kBlockBytes), 'b', kBlockBytes));
  scribbled = MapFilled(16 * kPage, 's');
  thread_number = 7;
  thread_text = "warmed up, and longer than what fits in place";
  return absl::OkStatus();
}

// Each says what it found wrong; nothing if all is well.
using Check = std::string (*)();
#define CHECK_OR_SAY(condition) \
  if (!(condition)) return #condition

std::string UseObjects() {
  CHECK_OR_SAY(words->size() == kWords);
  for (int i = 0; i < kWords; ++i) CHECK_OR_SAY(words->at(Word(i)) == std::to_string(i));
  for (int i = 0; i < kWords; i += 2) words->erase(Word(i));
  for (int i = kWords; i < 5 * kWords; ++i) words->emplace(Word(i), std::to_string(i));
  words->at(Word(1)).append(1000, 'x');
  CHECK_OR_SAY(words->size() == kWords / 2 + 4 * kWords);
  CHECK_OR_SAY(words->count(Word(0)) == 0);
  CHECK_OR_SAY(words->at(Word(3)) == "3");
  CHECK_OR_SAY(words->at(Word(5 * kWords - 1)) == std::to_string(5 * kWords - 1));
  words->clear();
  CHECK_OR_SAY(words->empty());
  return "";
}

std::string GrowTheHeap() {
  // Through brk: each is too small to be mapped by itself.
  std::vector<std::string> pieces;
  for (char c = 0; c < 64; ++c) {
    for (int i = 0; i < 16; ++i) pieces.emplace_back(64 * 1024, c);
  }
  for (size_t i = 0; i < pieces.size(); ++i) {
    CHECK_OR_SAY(IsFilled(pieces[i].data(), pieces[i].size(), static_cast<char>(i / 16)));
  }
  char* const large = static_cast<char*>(malloc(64 * kMiB));
  CHECK_OR_SAY(large != nullptr);
  memset(large, 'l', 64 * kMiB);
  CHECK_OR_SAY(IsFilled(large, 64 * kMiB, 'l'));
  free(large);
  pieces.clear();
  malloc_trim(0);
  const std::unique_ptr<char[]> zeroes(new char[8 * kMiB]());
  CHECK_OR_SAY(IsFilled(zeroes.get(), 8 * kMiB, 0));
  // malloc would notice what it does not expect there.
  void* const before = sbrk(kMiB);
  CHECK_OR_SAY(before != reinterpret_cast<void*>(-1));
  memset(before, 'k', kMiB);
  CHECK_OR_SAY(IsFilled(static_cast<char*>(before), kMiB, 'k'));
  return "";
}

std::string GrowABlock() {
  CHECK_OR_SAY(IsFilled(block, kBlockBytes, 'b'));
  for (const size_t size : {4 * kMiB, 40 * kMiB, kMiB, 8 * kMiB}) {
    const size_t kept = std::min(size, size_t{kMiB});
    block = static_cast<char*>(realloc(block, size));
    CHECK_OR_SAY(block != nullptr);
    CHECK_OR_SAY(IsFilled(block, kept, 'b'));
    memset(block, 'b', size);
  }
  free(block);
  return "";
}

std::string UseThreadLocals() {
  CHECK_OR_SAY(thread_number == 7);
  CHECK_OR_SAY(thread_text == "warmed up, and longer than what fits in place");
  thread_number = 8;
  thread_text.append(1000, 'x');
  std::string other;
  std::thread([&other] { other = absl::StrFormat("%d %s", thread_number, thread_text); }).join();
  CHECK_OR_SAY(other == "5 fresh");
  CHECK_OR_SAY(thread_number == 8);
  return "";
}

std::string UseThreads() {
  constexpr int kThreads = 16;
  std::mutex mutex;
  std::set<pid_t> tids;
  std::atomic<size_t> found = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      // Arenas of their own, and what the warm-up allocated beside them.
      std::vector<std::string> texts;
      for (int j = i; j < kWords; j += kThreads) {
        texts.push_back(words->at(Word(j)) + std::string(100, 'x'));
        found.fetch_add(texts.back().size() > 100 ? 1 : 0);
      }
      thread_number = i;
      const std::lock_guard lock(mutex);
      tids.insert(gettid());
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_OR_SAY(found == kWords);
  CHECK_OR_SAY(tids.size() == kThreads);
  return "";
}

std::string SeeRootMemory() {
  CHECK_OR_SAY(IsFilled(root_memory, kRootBytes, 'r'));
  CHECK_OR_SAY(nested_memory == nullptr);
  return "";
}

std::string SeeRootAndNestedMemory() {
  CHECK_OR_SAY(IsFilled(nested_memory, kNestedBytes, 'n'));
  CHECK_OR_SAY(IsFilled(root_memory, kPage, 'R'));  // the nested one's warm-up wrote there
  CHECK_OR_SAY(IsFilled(root_memory + kPage, kRootBytes - kPage, 'r'));
  return "";
}

std::string SeeWipedMemory() {
  CHECK_OR_SAY(IsFilled(wiped, kPage, 0));
  memset(wiped, 'x', kPage);
  CHECK_OR_SAY(IsFilled(wiped, kPage, 'x'));
  return "";
}

std::string SeeFileSizeLimit() {
  rlimit limit;
  CHECK_OR_SAY(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  CHECK_OR_SAY(limit.rlim_cur == kMiB);
  return "";
}

std::string LookAtScribbles() {
  CHECK_OR_SAY(IsFilled(scribbled, 16 * kPage, 's'));
  CHECK_OR_SAY(words->at(Word(1)) == "1");
  return "";
}

std::string Scribble() {
  CHECK_OR_SAY(LookAtScribbles().empty());
  for (size_t at = 0; at < 16 * kPage; at += kPage) scribbled[at + 5] = 'S';
  words->at(Word(1)) = "scribbled";
  return "";
}

std::string SeeOwnScribbles() {
  for (size_t at = 0; at < 16 * kPage; at += kPage) CHECK_OR_SAY(scribbled[at + 5] == 'S');
  CHECK_OR_SAY(scribbled[6] == 's');
  CHECK_OR_SAY(words->at(Word(1)) == "scribbled");
  return "";
}

struct NamedCheck {
  std::string_view name;
  Check check;
};
#define NAMED(check) \
  { #check, check }
constexpr NamedCheck kChecks[] = {
    NAMED(UseObjects),      NAMED(GrowTheHeap),      NAMED(GrowABlock),
    NAMED(UseThreadLocals), NAMED(UseThreads),       NAMED(SeeRootMemory),
    NAMED(LookAtScribbles), NAMED(Scribble),         NAMED(SeeRootAndNestedMemory),
    NAMED(SeeOwnScribbles), NAMED(SeeFileSizeLimit), NAMED(SeeWipedMemory),
};

std::string RunCheck(std::string_view name) {
  for (const NamedCheck& one : kChecks) {
    if (one.name == name) return one.check();
  }
  return absl::StrFormat("no check %s", name);
}

// "check NAME" runs it and sends its answer, and then does the same for each name that is sent to
// it; "true" becomes /bin/true; all else is TestProgram's.
class CheckProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    const std::string_view what = context.argv.empty() ? "" : context.argv[0];
    if (what == "true") return execl("/bin/true", "true", nullptr);
    if (what != "check") return TestProgram::Run(context);
    std::string name = context.argv[1];
    for (;;) {
      const std::string answer = RunCheck(name);
      const auto* bytes = reinterpret_cast<const uint8_t*>(answer.data());
      if (context.channel.Send({.type = testing::kEcho}, {bytes, answer.size()}) != 0) return 1;
      if (context.channel.Receive() != ReceiveOutcome::kMessage) return 0;
      const std::span<const uint8_t> payload = context.channel.packet().payload();
      name.assign(payload.begin(), payload.end());
    }
  }
};

void LimitFileSize(rlim_t soft, rlim_t hard) {
  const rlimit limit = {soft, hard};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) abort();
}

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup;
  StartOptions& options = setup.options;
  // By their rows: no pool, and a pool.
  for (const ProcessType type : {ProcessType::kIpcUnitTest, ProcessType::kUtility}) {
    options.programs.push_back({type, MakeChildProgram<CheckProgram>});
  }
  options.warm_ups = {{"objects", BuildObjects}};
  options.templates = {{.name = "nested"}};
  std::vector<WarmUp>& nested = options.templates[0].warm_ups;
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  if (is("Nested")) {
    options.warm_ups.push_back({"64 MiB", [] {
                                  root_memory = MapFilled(kRootBytes, 'r');
                                  return absl::OkStatus();
                                }});
    nested.push_back({"1 MiB", [] {
                        nested_memory = MapFilled(kNestedBytes, 'n');
                        memset(root_memory, 'R', kPage);
                        return absl::OkStatus();
                      }});
  }
  if (is("Wipe")) {
    options.warm_ups.push_back({"wiped", [] {
                                  wiped = MapFilled(kPage, 'w');
                                  return madvise(wiped, kPage, MADV_WIPEONFORK) == 0
                                             ? absl::OkStatus()
                                             : absl::InternalError("madvise");
                                }});
  }
  if (is("NotAskedFor")) options.freeze = FreezeMethod::kOff;
  if (is("HugePages")) options.freeze = FreezeMethod::kAnonymousHugePages;
  if (is("HardFileSizeLimit")) setup.before_start = [] { LimitFileSize(kMiB, kMiB); };
  if (is("SoftFileSizeLimit")) setup.before_start = [] { LimitFileSize(kMiB, RLIM_INFINITY); };
  return setup;
}

namespace {

LaunchOptions From(const std::string& template_name, std::vector<std::string> argv) {
  return {
      .type = ProcessType::kIpcUnitTest, .argv = std::move(argv), .template_name = template_name};
}

std::string AnswerOf(const LaunchedChild& child) {
  uint8_t buffer[256];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "the child died";
  }
  return {packet.payload().begin(), packet.payload().end()};
}

// What the check says in a new child.
std::string Checked(ForkServer& server, const std::string& check,
                    const std::string& template_name = "root") {
  const absl::StatusOr<LaunchedChild> child = server.Launch(From(template_name, {"check", check}));
  return child.ok() ? AnswerOf(*child) : child.status().ToString();
}

// What it says in a child that runs already.
std::string Checked(const LaunchedChild& child, std::string_view check) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(check.data());
  if (SendPacket(child.socket.get(), Blocking::kWait, {.type = testing::kEcho},
                 {bytes, check.size()}, {}) != 0) {
    return "the child is gone";
  }
  return AnswerOf(child);
}

void ExpectThatChildrenWork(ForkServer& server) {
  for (const char* check : {"UseObjects", "GrowTheHeap", "GrowABlock", "UseThreadLocals",
                            "UseThreads", "LookAtScribbles"}) {
    EXPECT_EQ(Checked(server, check), "") << check;
  }
}

void LaunchAndReap(ForkServer& server, const LaunchOptions& options, LaunchedBy& by) {
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  by = child->by;
  ASSERT_TRUE(child->process.Wait()->success());
}

// 1000 forks of the template, and then 100 launches that may take a blank.
void LaunchAThousand(ForkServer& server, const std::string& template_name) {
  LaunchOptions options = From(template_name, {"exit", "0"});
  options.way = LaunchWay::kFork;
  LaunchedBy by;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_NO_FATAL_FAILURE(LaunchAndReap(server, options, by));
    ASSERT_EQ(by, LaunchedBy::kFork);
  }
  options.type = ProcessType::kUtility;
  options.way = LaunchWay::kTemplate;
  int pooled = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_NO_FATAL_FAILURE(LaunchAndReap(server, options, by));
    pooled += by == LaunchedBy::kPool ? 1 : 0;
    ASSERT_TRUE(DispatchUntil(
        server, [&] { return !StatusOf(server, template_name).idle_blanks.empty(); }));
  }
  EXPECT_GE(pooled, 99);
}

// The template has not written to what it has frozen.
void ExpectFrozenMemoryAsItWas(ForkServer& server, const std::string& template_name,
                               uint64_t at_least) {
  const std::optional<pid_t> pid = StatusOf(server, template_name).pid;
  ASSERT_TRUE(pid.has_value());
  const absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(*pid);
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_GT(memory->mappings, 0u);
  EXPECT_GE(memory->bytes, at_least);
  EXPECT_EQ(memory->anonymous_bytes, 0u) << memory->written;
}

bool IsLeftOut(const FreezeReport& report, LeaveOutReason why) {
  for (const FreezeReport::LeftOut& entry : report.left_out()) {
    if (entry.why == why && entry.mappings > 0 && entry.bytes >= kPage) return true;
  }
  return false;
}

// The first statement of the tests of what the sanitizers forbid.
#define SKIP_WHERE_IT_IS_OFF() \
  if (kIsOff) GTEST_SKIP() << kWhyOff

HOST_TEST(FrozenTemplate, WritesNoFrozenPageInAThousandLaunches) {
  SKIP_WHERE_IT_IS_OFF();
  ASSERT_NO_FATAL_FAILURE(ExpectFrozenMemoryAsItWas(server, "root", kBlockBytes));
  ASSERT_NO_FATAL_FAILURE(LaunchAThousand(server, "root"));
  ExpectFrozenMemoryAsItWas(server, "root", kBlockBytes);
}

HOST_TEST(FrozenTemplate, NestedOneWritesNoFrozenPageInAThousandLaunches) {
  SKIP_WHERE_IT_IS_OFF();
  ASSERT_TRUE(server.WaitUntilServing("nested").ok());
  ASSERT_NO_FATAL_FAILURE(LaunchAThousand(server, "nested"));
  ExpectFrozenMemoryAsItWas(server, "nested", kRootBytes + kNestedBytes);
  // Neither has the root in forking it.
  ExpectFrozenMemoryAsItWas(server, "root", kRootBytes);
}

// Without this the others could not fail.
HOST_TEST(FrozenTemplate, WritesOfAChildAreFoundByWhatMeasuresTheTemplate) {
  SKIP_WHERE_IT_IS_OFF();
  const absl::StatusOr<LaunchedChild> child = server.Launch(From("root", {"check", "Scribble"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(AnswerOf(*child), "");
  const absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(child->process.pid());
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_GE(memory->anonymous_bytes, 16 * kPage);
  EXPECT_FALSE(memory->written.empty());
}

// A template answers what is no launch, too.
HOST_TEST(FrozenTemplate, WritesNoFrozenPageForPingsAndFailedLaunches) {
  SKIP_WHERE_IT_IS_OFF();
  LaunchOptions bad = From("root", {"exit", "0"});
  bad.working_directory = "/there/is/no/such/folder";
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(server.Ping().ok());
    ASSERT_FALSE(server.Launch(bad).ok());
  }
  ExpectFrozenMemoryAsItWas(server, "root", kBlockBytes);
}

HOST_TEST(FrozenTemplate, HelloSaysWhatWasFrozenAndWhatWasNot) {
  SKIP_WHERE_IT_IS_OFF();
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  const FreezeReport& freeze = hello->freeze;
  EXPECT_TRUE(freeze.frozen()) << freeze.ToString();
  EXPECT_EQ(freeze.WhyNot(), "");
  EXPECT_EQ(freeze.coredump_filter_error, 0);
  size_t built = kBlockBytes + 16 * kPage;
  for (int i = 0; i < kWords; ++i) built += Word(i).size();
  EXPECT_GE(freeze.bytes, built);
  EXPECT_LT(freeze.bytes, built + 64 * kMiB);
  EXPECT_GT(freeze.mappings, 0u);
  EXPECT_GT(freeze.nanos, 0);
  EXPECT_LE(freeze.nanos, hello->serving_at - hello->started_at);
  EXPECT_TRUE(IsLeftOut(freeze, LeaveOutReason::kStack)) << freeze.ToString();
}

HOST_TEST(FrozenTemplate, NestedOneReportsWhatItDirtiedAndItsChildrenSeeAll) {
  EXPECT_EQ(Checked(server, "SeeRootAndNestedMemory", "nested"), "");
  EXPECT_EQ(Checked(server, "SeeRootMemory", "root"), "");
  SKIP_WHERE_IT_IS_OFF();
  const absl::StatusOr<HelloMessage> root = server.WaitUntilServing();
  const absl::StatusOr<HelloMessage> nested = server.WaitUntilServing("nested");
  ASSERT_TRUE(root.ok() && nested.ok()) << root.status() << nested.status();
  EXPECT_GE(root->freeze.bytes, kRootBytes);
  EXPECT_TRUE(nested->freeze.frozen()) << nested->freeze.ToString();
  EXPECT_GE(nested->freeze.bytes, kNestedBytes + kPage);
  EXPECT_LT(nested->freeze.bytes, 4 * kMiB) << nested->freeze.ToString();
}

HOST_TEST(FrozenTemplate, ChildrenUseAndExtendWhatWasBuilt) { ExpectThatChildrenWork(server); }

HOST_TEST(FrozenTemplate, ChildrenOfANestedOneUseAndExtendWhatWasBuilt) {
  for (const char* check : {"UseObjects", "GrowTheHeap", "GrowABlock", "UseThreadLocals",
                            "UseThreads", "SeeRootAndNestedMemory"}) {
    EXPECT_EQ(Checked(server, check, "nested"), "") << check;
  }
}

HOST_TEST(FrozenTemplate, ChildBecomesAnotherProgram) {
  absl::StatusOr<LaunchedChild> child = server.Launch(From("root", {"true"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_TRUE(child->process.Wait()->success());
}

HOST_TEST(FrozenTemplate, ChildrenDoNotSeeEachOthersWrites) {
  const absl::StatusOr<LaunchedChild> first = server.Launch(From("root", {"check", "Scribble"}));
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(AnswerOf(*first), "");
  const absl::StatusOr<LaunchedChild> second = server.Launch(From("root", {"check", "Scribble"}));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(AnswerOf(*second), "");  // it found none
  EXPECT_EQ(Checked(*first, "SeeOwnScribbles"), "");
  EXPECT_EQ(Checked(*second, "SeeOwnScribbles"), "");
  EXPECT_EQ(Checked(server, "LookAtScribbles"), "");
}

HOST_TEST(FrozenTemplate, MemoryThatIsWipedOnForkIsZeroInChildrenAndLeftOut) {
  EXPECT_EQ(Checked(server, "SeeWipedMemory"), "");
  EXPECT_EQ(Checked(server, "SeeWipedMemory"), "");
  SKIP_WHERE_IT_IS_OFF();
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_TRUE(hello->freeze.frozen());
  EXPECT_TRUE(IsLeftOut(hello->freeze, LeaveOutReason::kWipeOnFork)) << hello->freeze.ToString();
}

HOST_TEST(FrozenTemplate, IsFrozenUnlessASanitizerForbidsItAndSaysWhich) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(hello->freeze.method, kIsOff ? FreezeMethod::kOff : FreezeMethod::kMemfd);
  EXPECT_EQ(hello->freeze.stopped_at, kSanitizer) << hello->freeze.WhyNot();
}

// No frozen mapping; and the children work as those of a frozen one do.
void ExpectNotFrozen(ForkServer& server, FreezeMethod method, FreezeStep stopped_at) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  const FreezeReport& freeze = hello->freeze;
  EXPECT_EQ(freeze.method, kIsOff ? FreezeMethod::kOff : method) << freeze.ToString();
  EXPECT_EQ(freeze.stopped_at, kIsOff ? kSanitizer : stopped_at) << freeze.WhyNot();
  EXPECT_EQ(freeze.bytes, 0u);
  EXPECT_EQ(freeze.still_frozen_bytes, 0u);
  const absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(hello->pid);
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(memory->mappings, 0u);
  ExpectThatChildrenWork(server);
}

HOST_TEST(FrozenTemplate, NotAskedForIsReportedAndChildrenWork) {
  ExpectNotFrozen(server, FreezeMethod::kOff, FreezeStep::kNotAsked);
}

HOST_TEST(FrozenTemplate, HugePagesAreReportedAndChildrenWork) {
  ExpectNotFrozen(server, FreezeMethod::kAnonymousHugePages, FreezeStep::kNotAsked);
}

HOST_TEST(FrozenTemplate, HardFileSizeLimitLeavesItUnfrozenAndIsNamed) {
  ExpectNotFrozen(server, FreezeMethod::kAnonymousHugePages, FreezeStep::kSizeFile);
  EXPECT_EQ(Checked(server, "SeeFileSizeLimit"), "");
  SKIP_WHERE_IT_IS_OFF();
  const std::string why = StatusOf(server, "root").hello.freeze.WhyNot();
  EXPECT_NE(why.find("RLIMIT_FSIZE"), std::string::npos) << why;
  EXPECT_NE(why.find("EFBIG"), std::string::npos) << why;
}

HOST_TEST(FrozenTemplate, SoftFileSizeLimitIsTheChildrensAndNoneForTheFreeze) {
  EXPECT_EQ(Checked(server, "SeeFileSizeLimit"), "");
  SKIP_WHERE_IT_IS_OFF();
  const FreezeReport freeze = StatusOf(server, "root").hello.freeze;
  EXPECT_TRUE(freeze.frozen()) << freeze.ToString();
  ExpectThatChildrenWork(server);
}

}  // namespace
}  // namespace forkserver
