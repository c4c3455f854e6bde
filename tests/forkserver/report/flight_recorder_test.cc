// What is looked at of processes that have a flight, and how their lines in /proc are read.
#include "forkserver/host/flight_recorder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "forkserver/host/process.h"
#include "forkserver/host/stat_fields.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

// As where a pid was given again between the reaping and the word of it.
TEST(FlightRecorder, TakesNoMemoryOfAProcessThatIsNoChild) {
  std::optional<FlightEnd> told;
  const auto recorder = std::make_shared<FlightRecorder>(
      FlightRecorderOptions{.on_end = [&](FlightEnd end) { told = std::move(end); }});
  for (const pid_t pid : {getppid(), getpid()}) {
    told.reset();
    const std::shared_ptr<Flight> flight = recorder->Begin();
    flight->SetPid(pid);
    recorder->SampleMemory();
    flight->OnReaped(ExitStatus(), nullptr, 0);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->who.pid, pid);
    EXPECT_FALSE(told->memory);
  }
}

// A child that waits until its standard input, which this holds, is closed; and is ended and reaped
// with it. Children of this type start at different times, as the kernel counts them (in ticks).
class WaitingChild {
 public:
  WaitingChild() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd input(ends[0]);
    output_.reset(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
    char name[] = "cat";
    char* argv[] = {name, nullptr};
    pid_t pid = 0;
    EXPECT_EQ(posix_spawnp(&pid, name, &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    absl::StatusOr<Process> adopted = Process::Adopt(pid);
    EXPECT_TRUE(adopted.ok()) << adopted.status();
    process_.emplace(*std::move(adopted));
  }
  Process& process() { return *process_; }

  uint64_t started_at() const {
    std::ifstream file("/proc/" + std::to_string(process_->pid()) + "/stat");
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    uint64_t at = 0;
    EXPECT_TRUE(StatFields::Parse(line)->Number(StatFields::kStartTime, at));
    return at;
  }

 private:
  UniqueFd output_;
  std::optional<Process> process_;
};

// It ended before it was looked at for the first time, and another child has its pid: as which the
// other's stands here.
TEST(FlightRecorder, TakesNoMemoryOfAChildThatStartedLater) {
  std::optional<FlightEnd> told;
  const auto recorder = std::make_shared<FlightRecorder>(
      FlightRecorderOptions{.on_end = [&](FlightEnd end) { told = std::move(end); }});
  WaitingChild first;
  auto later = std::make_unique<WaitingChild>();
  while (later->started_at() == first.started_at()) later = std::make_unique<WaitingChild>();
  for (const bool is_given_again : {false, true}) {
    told.reset();
    const std::shared_ptr<Flight> flight = recorder->Begin();
    Follow(flight, first.process());
    if (is_given_again) flight->SetPid(later->process().pid());
    recorder->SampleMemory();
    flight->OnReaped(ExitStatus(), nullptr, 0);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->memory.has_value(), !is_given_again);
  }
}

TEST(StatFields, AreCountedBehindANameThatMayBeAnything) {
  const std::optional<StatFields> stat =
      StatFields::Parse("4711 (a) R 1 (\n) 2) S 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name(), "a) R 1 (\n) 2");
  EXPECT_EQ(stat->Text(StatFields::kState), "S");
  int value = 0;
  EXPECT_TRUE(stat->Number(StatFields::kParent, value));
  EXPECT_EQ(value, 7);
  EXPECT_TRUE(stat->Number(18, value));
  EXPECT_EQ(value, 21);
  EXPECT_FALSE(stat->Number(19, value));
  EXPECT_FALSE(stat->Number(StatFields::kState, value));
  EXPECT_FALSE(stat->Number(2, value));
  for (const char* text : {"", "4711", "4711 (a", "4711 a)", ")("}) {
    EXPECT_FALSE(StatFields::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace forkserver
