// Blanks have the pages ahead that earlier children touched on their way to Ready.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "child/touched_pages.h"
#include "forkserver/server/page_learner.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::StatusOf;

// Since its fork; those of pages that were populated, too.
struct Faults {
  int64_t count = 0;
};

Faults OfThisProcess() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return {usage.ru_minflt};
}

// proc(5): the third field of stat, and the tenth; the second is a name in parentheses.
struct ProcessStat {
  char state = '?';
  int64_t minor_faults = 0;
};
ProcessStat StatOf(pid_t pid) {
  std::ifstream file(absl::StrFormat("/proc/%d/stat", pid));
  std::string text;
  std::getline(file, text);
  text.erase(0, text.rfind(')') + 1);
  ProcessStat stat;
  EXPECT_EQ(
      sscanf(text.c_str(), " %c %*d %*d %*d %*d %*d %*u %ld", &stat.state, &stat.minor_faults), 2)
      << text;
  return stat;
}

// Sends how many faults it had taken when its factory was called, the first thing after Ready.
class Counter : public ChildProgram {
 public:
  explicit Counter(Faults at_entry) : at_entry_(at_entry) {}

  int Run(ChildContext& context) override {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&at_entry_);
    return context.channel.Send({.type = testing::kEcho}, {bytes, sizeof(at_entry_)}) == 0 ? 0 : 1;
  }

 private:
  const Faults at_entry_;
};

// What the first work of each Worker writes to: memory that its template has, all of it.
constexpr size_t kPage = 4096;
constexpr size_t kWorkPages = 64;
alignas(kPage) uint8_t work[kWorkPages * kPage];

void WriteToAll() {
  for (size_t at = 0; at < sizeof(work); at += kPage) {
    static_cast<volatile uint8_t*>(work)[at] = 1;
  }
}

// Sends whether it rehearsed, and how many faults its work took.
class Worker : public ChildProgram {
 public:
  struct Told {
    bool rehearsed = false;
    Faults of_work = {};
  };

  bool HasStartSteps() const override { return true; }

  int Run(ChildContext& context) override {
    Told told = {.rehearsed = context.recorder.Rehearses()};
    if (told.rehearsed) WriteToAll();
    context.recorder.Started();
    const Faults before = OfThisProcess();
    WriteToAll();
    told.of_work.count = OfThisProcess().count - before.count;
    const auto* bytes = reinterpret_cast<const uint8_t*>(&told);
    return context.channel.Send({.type = testing::kEcho}, {bytes, sizeof(told)}) == 0 ? 0 : 1;
  }
};

std::unique_ptr<ChildProgram> MakeCounter() {
  const Faults at_entry = OfThisProcess();
  return std::make_unique<Counter>(at_entry);
}

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  // By its row it has a pool, and is recorded up to Ready.
  setup.options.programs = {{ProcessType::kDummy, MakeCounter},
                            {ProcessType::kUtility, MakeChildProgram<Worker>}};
  setup.options.warm_ups = {{"work", [] {
                               WriteToAll();
                               return absl::OkStatus();
                             }}};
  return setup;
}

namespace {

template <typename Told>
Told ToldBy(const LaunchedChild& child) {
  Told told;
  uint8_t buffer[sizeof(told)];
  Packet packet(buffer);
  EXPECT_EQ(ReceivePacket(child.socket.get(), Blocking::kWait, packet), PacketOutcome::kMessage);
  memcpy(&told, packet.payload().data(), packet.payload().size());
  return told;
}

Faults FaultsOf(const LaunchedChild& child) { return ToldBy<Faults>(child); }

// Null: what is learned can be seen by its faults here.
const char* WhyNotSeen() {
#if defined(__SANITIZE_ADDRESS__)
  return "the sanitizer's shadow has more faults than all else";
#else
  TouchedPages touched;
  const bool records = RecordTouchedPages(Recorded::kAll, touched) == 0;
  return records ? nullptr : "no PAGEMAP_SCAN, which came with Linux 6.7";
#endif
}

HOST_TEST(LearnedPages, AreNotFaultedInByALaunchThatTakesABlank) {
  if (const char* const why = WhyNotSeen()) GTEST_SKIP() << why;
  LaunchOptions options = {.type = ProcessType::kDummy, .argv = {"count"}, .way = LaunchWay::kFork};
  int64_t of_forks = INT64_MAX;
  for (int i = 0; i < 2 * PageLearner::kChildren; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    const Faults faults = FaultsOf(*child);
    if (i >= PageLearner::kChildren) of_forks = std::min(of_forks, faults.count);
  }
  options.way = LaunchWay::kTemplate;
  int64_t of_blanks = 0;
  for (int i = 0; i < 10; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    FaultsOf(*child);
    // Those that are blank now, and sleep: they wait for their Plan, with all that they have ahead.
    std::map<pid_t, int64_t> before;
    ASSERT_TRUE(DispatchUntil(server, [&] {
      before.clear();
      for (const pid_t pid : StatusOf(server, "root").idle_blanks) {
        const ProcessStat stat = StatOf(pid);
        if (stat.state != 'S') return false;
        before[pid] = stat.minor_faults;
      }
      return !before.empty();
    }));
    child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_EQ(child->by, LaunchedBy::kPool);
    ASSERT_EQ(before.count(child->process.pid()), 1u);
    of_blanks = std::max(of_blanks, FaultsOf(*child).count - before[child->process.pid()]);
  }
  EXPECT_LT(3 * of_blanks, of_forks) << of_blanks << " against " << of_forks;
}

HOST_TEST(LearnedPages, AreThoseOfARehearsalToo) {
  if (const char* const why = WhyNotSeen()) GTEST_SKIP() << why;
  LaunchOptions options = {
      .type = ProcessType::kUtility, .argv = {"work"}, .way = LaunchWay::kFork};
  for (int i = 0; i < 2 * PageLearner::kChildren; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    const auto told = ToldBy<Worker::Told>(*child);
    EXPECT_EQ(told.rehearsed, i == 0);
    if (!told.rehearsed) {
      EXPECT_GE(told.of_work.count, static_cast<int64_t>(kWorkPages));
    }
  }
  options.way = LaunchWay::kTemplate;
  // Blanks that were forked before it was learned may be left.
  int64_t of_blanks = INT64_MAX;
  for (int i = 0; i < 10; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    const auto told = ToldBy<Worker::Told>(*child);
    EXPECT_FALSE(told.rehearsed);
    if (child->by == LaunchedBy::kPool) of_blanks = std::min(of_blanks, told.of_work.count);
    ASSERT_TRUE(
        DispatchUntil(server, [&] { return !StatusOf(server, "root").idle_blanks.empty(); }));
  }
  EXPECT_EQ(of_blanks, 0);
}

}  // namespace
}  // namespace forkserver
