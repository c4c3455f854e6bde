// What is looked at of processes that have a flight, and how their lines in /proc are read.
#include "forkserver/host/flight_recorder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "forkserver/host/stat_fields.h"

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
