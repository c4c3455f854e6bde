#include "forkserver/model/deferred_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "transceiver/clock.h"
#include "transceiver/event_loop.h"

namespace forkserver {
namespace {

using Lines = std::vector<std::string>;

TEST(DeferredLog, IsReadInTheLoopsNextTurnInOrder) {
  const auto loop = *EventLoop::Create();
  Lines read;
  DeferredLog log(*loop, [&](std::string_view line) { read.emplace_back(line); });
  log.Write("first");
  log.Write("sec\nond");
  EXPECT_EQ(read, Lines());
  while (read.empty()) loop->Run(NowNanos() + kNanosPerSecond);
  EXPECT_EQ(read, Lines({"first", "sec\\x0aond"}));
}

TEST(DeferredLog, WhatItsReaderWritesIsReadATurnLater) {
  const auto loop = *EventLoop::Create();
  Lines read;
  std::unique_ptr<DeferredLog> log;
  log = std::make_unique<DeferredLog>(*loop, [&](std::string_view line) {
    read.emplace_back(line);
    if (read.size() == 1) log->Write("of the reader");
  });
  log->Write("first");
  log->Write("second");
  while (read.size() < 3) loop->Run(NowNanos() + kNanosPerSecond);
  EXPECT_EQ(read, Lines({"first", "second", "of the reader"}));
}

TEST(DeferredLog, MayBeDestroyedByItsReader) {
  const auto loop = *EventLoop::Create();
  Lines read;
  std::unique_ptr<DeferredLog> log;
  log = std::make_unique<DeferredLog>(*loop, [&](std::string_view line) {
    log.reset();
    read.emplace_back(line);
  });
  log->Write("first");
  log->Write("second");
  while (read.size() < 2) loop->Run(NowNanos() + kNanosPerSecond);
  EXPECT_EQ(read, Lines({"first", "second"}));
}

TEST(DeferredLog, IsReadToTheEndWhereItIsDestroyedFirst) {
  const auto loop = *EventLoop::Create();
  Lines read;
  {
    DeferredLog log(*loop, [&](std::string_view line) { read.emplace_back(line); });
    log.Write("last");
  }
  EXPECT_EQ(read, Lines({"last"}));
  loop->Run(NowNanos());
  EXPECT_EQ(read, Lines({"last"}));
}

TEST(DeferredLog, WithoutAReaderKeepsNothing) {
  const auto loop = *EventLoop::Create();
  DeferredLog log(*loop, {});
  log.Write("to nobody");
  EXPECT_FALSE(loop->HasDueTimer(NowNanos()));
}

}  // namespace
}  // namespace forkserver
