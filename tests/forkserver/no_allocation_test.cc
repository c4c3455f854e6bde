// The template's loop allocates nothing, and neither does a child on its way to Ready.
//
// malloc and its kin are this program's own here, and count. The count is in plain memory, so a
// child inherits its template's: what the template allocated until this fork, and, apart from it,
// what was allocated in a process that is not the template.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCounts = false;  // its malloc is the sanitizer's
#else
constexpr bool kCounts = true;
#endif

namespace forkserver {
namespace {

struct Calls {
  uint64_t by_template = 0;
  uint64_t since_fork = 0;
};

Calls calls;
// Set by the last warm-up: who counts as the template.
pid_t template_pid = 0;

[[maybe_unused]] void CountCall() {
  if (template_pid == 0) return;
  // The system call, since the answer must be right in any child.
  if (syscall(SYS_getpid) == template_pid) {
    ++calls.by_template;
  } else {
    ++calls.since_fork;
  }
}

}  // namespace
}  // namespace forkserver

#if !defined(__SANITIZE_ADDRESS__)
// glibc's own, under the names that stay when malloc is somebody else's.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) {
  forkserver::CountCall();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  forkserver::CountCall();
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  forkserver::CountCall();
  return __libc_realloc(memory, size);
}
void* memalign(size_t alignment, size_t size) {
  forkserver::CountCall();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  forkserver::CountCall();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  forkserver::CountCall();
  *memory = __libc_memalign(alignment, size);
  return *memory != nullptr ? 0 : ENOMEM;
}
void free(void* memory) {
  forkserver::CountCall();
  __libc_free(memory);
}
}
#endif

namespace forkserver {
namespace {

// Sends what had been counted when its factory was called, which is the first thing after Ready.
class Accountant : public ChildProgram {
 public:
  explicit Accountant(Calls at_entry) : at_entry_(at_entry) {}

  int Run(ChildContext& context) override {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&at_entry_);
    return context.channel.Send({.type = testing::kEcho}, {bytes, sizeof(at_entry_)}) == 0 ? 0 : 1;
  }

 private:
  const Calls at_entry_;
};

std::unique_ptr<ChildProgram> MakeAccountant() {
  const Calls at_entry = calls;
  return std::make_unique<Accountant>(at_entry);
}

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeAccountant},
                            {ProcessType::kUtility, MakeAccountant}};
  const WarmUp last = {"the last one", [] {
                         // What a nested one allocated to start, it did as a child.
                         calls = {};
                         template_pid = getpid();
                         return absl::OkStatus();
                       }};
  setup.options.warm_ups = {last};
  setup.options.templates = {{.name = "nested", .warm_ups = {last}}};
  return setup;
}

namespace {

Calls CallsOf(const absl::StatusOr<LaunchedChild>& child) {
  Calls at_entry;
  uint8_t buffer[sizeof(at_entry)];
  Packet packet(buffer);
  EXPECT_TRUE(child.ok()) << child.status();
  if (!child.ok() ||
      ReceivePacket(child->socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage ||
      packet.payload().size() != sizeof(at_entry)) {
    ADD_FAILURE() << "no account";
    return at_entry;
  }
  memcpy(&at_entry, packet.payload().data(), sizeof(at_entry));
  return at_entry;
}

// Everything that a Plan can ask for, once.
LaunchOptions AllSteps(ProcessType type, size_t arguments) {
  LaunchOptions options = {.type = type, .argv = {"account"}};
  for (size_t i = 0; i < arguments; ++i) options.argv.push_back(absl::StrFormat("argument %d", i));
  options.set_environment = {"COLOUR=blue", "SHAPE=round"};
  options.unset_environment = {"HOME"};
  options.stdio = {Stdio::Null(), Stdio::Descriptor(1), Stdio::Null()};
  options.working_directory = "/";
  options.name = "accountant";
  options.title = "accountant: at work";
  options.limits = {{RLIMIT_NOFILE, 64, 64}, {RLIMIT_CORE, 0, 0}};
  options.nice = 3;
  options.Map(0, 5).Map(1, 9, OnExec::kInherit);
  return options;
}

// Without this the others could not fail.
TEST(NoAllocation, TheCountCounts) {
  if (!kCounts) GTEST_SKIP() << "malloc is the sanitizer's";
  template_pid = getpid();
  const Calls before = calls;
  // Not to be optimized away.
  void* volatile memory = malloc(1);
  free(memory);
  EXPECT_EQ(calls.by_template, before.by_template + 2);
  template_pid = 1;
  std::string* volatile text = new std::string(100, 'x');
  delete text;
  EXPECT_EQ(calls.since_fork, before.since_fork + 4);
  template_pid = 0;
}

void ExpectNoneIn(ForkServer& server, const std::string& template_name) {
  if (!kCounts) GTEST_SKIP() << "malloc is the sanitizer's";
  LaunchOptions plain = {.type = ProcessType::kIpcUnitTest, .argv = {"account"}};
  plain.template_name = template_name;
  const Calls first = CallsOf(server.Launch(plain));
  EXPECT_EQ(first.since_fork, 0u);
  for (int i = 0; i < 50; ++i) {
    LaunchOptions options = plain;
    if (i % 2 == 1) {
      // Of 30'000 arguments, the Plan is in a memfd.
      options = AllSteps(ProcessType::kIpcUnitTest, i == 49 ? 30'000 : 3);
      options.template_name = template_name;
    }
    const Calls later = CallsOf(server.Launch(options));
    EXPECT_EQ(later.since_fork, 0u) << "child " << i;
    EXPECT_EQ(later.by_template, first.by_template) << "between the forks of two children";
  }
}

HOST_TEST(NoAllocation, InTheRootsLoopAndItsChildrenUntilReady) { ExpectNoneIn(server, "root"); }

HOST_TEST(NoAllocation, InANestedTemplatesLoopAndItsChildrenUntilReady) {
  ExpectNoneIn(server, "nested");
}

HOST_TEST(NoAllocation, InALoopThatAnswersPingsAndRefusesLaunches) {
  if (!kCounts) GTEST_SKIP() << "malloc is the sanitizer's";
  const LaunchOptions plain = {.type = ProcessType::kIpcUnitTest, .argv = {"account"}};
  const Calls first = CallsOf(server.Launch(plain));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(server.Ping().ok());
    LaunchOptions bad = plain;
    bad.working_directory = "/there/is/no/such/folder";
    ASSERT_FALSE(server.Launch(bad).ok());
  }
  EXPECT_EQ(CallsOf(server.Launch(plain)).by_template, first.by_template);
}

HOST_TEST(NoAllocation, WithPrefs) {
  if (!kCounts) GTEST_SKIP() << "malloc is the sanitizer's";
  PrefsStore store;
  store.LoadText("pref(\"test.a\", 5);", "test.js");
  const absl::StatusOr<PrefsGeneration> prefs = store.Publish();
  ASSERT_TRUE(prefs.ok()) << prefs.status();
  server.SetPrefs(*prefs);
  EXPECT_EQ(CallsOf(server.Launch(AllSteps(ProcessType::kIpcUnitTest, 3))).since_fork, 0u);
  server.SetPrefs({});
}

HOST_TEST(NoAllocation, InABlankOfThePool) {
  if (!kCounts) GTEST_SKIP() << "malloc is the sanitizer's";
  int pooled = 0;
  for (int i = 0; i < 20; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(AllSteps(ProcessType::kUtility, 3));
    EXPECT_EQ(CallsOf(child).since_fork, 0u);
    pooled += child->by == LaunchedBy::kPool ? 1 : 0;
    EXPECT_TRUE(testing::DispatchUntil(
        server, [&] { return !testing::StatusOf(server, "root").idle_blanks.empty(); }));
  }
  EXPECT_GE(pooled, 19);
}

}  // namespace
}  // namespace forkserver
