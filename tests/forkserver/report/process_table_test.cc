// A report as a table and as JSON: what is in it, what fits, and that nobody's text gives a
// terminal orders.
#include "forkserver/report/process_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "forkserver/report/process_json.h"
#include "forkserver/report/short_bytes.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSecond = 1'000'000'000;

ReportedProcess Process(size_t depth, pid_t pid, std::string name) {
  ReportedProcess process = {.pid = pid, .depth = depth, .name = std::move(name)};
  process.sample = {.pid = pid,
                    .stat = ProcessStat{.name = "x",
                                        .state = 'S',
                                        .minor_faults = 412,
                                        .major_faults = 3,
                                        .user_nanos = kSecond,
                                        .system_nanos = kSecond / 4,
                                        .threads = 5},
                    .memory = ProcessMemory{.resident = 700 << 10,
                                            .proportional = 500 << 10,
                                            .shared_clean = 200 << 10,
                                            .shared_dirty = 100 << 10,
                                            .private_clean = 8 << 10,
                                            .private_dirty = 392 << 10,
                                            .swapped = 4096},
                    .descriptors = 9,
                    .uptime_nanos = 3723 * kSecond};
  process.cpu_share = 0.5;
  return process;
}

ProcessReport Report() {
  ProcessReport report = {.taken_at = 17, .took_nanos = 2'500'000};
  report.processes = {Process(0, 100, "Host (100)"), Process(1, 101, "Seed (101)"),
                      Process(2, 102, "https://a.test (102)"), Process(1, 103, "Utility (103)")};
  report.processes[2].remote_type = "webIsolated=https://a.test";
  report.processes[2].type = ProcessType::kContent;
  report.processes[2].state = "by pool";
  return report;
}

std::vector<std::string> LinesOf(const std::string& text) { return absl::StrSplit(text, '\n'); }

size_t Characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

TEST(ProcessTable, HasALineForEachProcessAndItsFigures) {
  const std::vector<std::string> lines = LinesOf(ToTable(Report()));
  ASSERT_GE(lines.size(), 7u);
  EXPECT_EQ(lines[0],
            "NAME                      PID  CPU   TIME  PRIVATE  SHARED   PSS  FAULTS  FDS  THR"
            "  UPTIME  STATE");
  EXPECT_EQ(lines[3],
            "    https://a.test (102)  102  50%  1.25s     400K    300K  500K   412/3    9    5"
            "   1h02m  by pool");
  EXPECT_EQ(lines[4].substr(0, 17), "  Utility (103)  ");
  EXPECT_EQ(lines[6], "4 processes: 1.6M private, 2.0M proportional; read in 2.5 ms");
}

TEST(ProcessTable, FitsIntoEveryWidth) {
  ProcessReport report = Report();
  report.processes[2].name = "https://a-räther-löng-name-of-a-site-that-nobody-reads.test (102)";
  report.processes[2].state = "serving, 12.3M frozen, 3 blanks of 1-3: died of this and that";
  const size_t whole = Characters(LinesOf(ToTable(report))[3]);
  for (size_t width = 1; width < whole + 10; ++width) {
    for (const std::string& line : LinesOf(ToTable(report, width))) {
      EXPECT_LE(Characters(line), width) << line;
    }
  }
  EXPECT_EQ(ToTable(report, whole), ToTable(report));
  // What matters most is there on a terminal of 80 columns.
  EXPECT_THAT(LinesOf(ToTable(report, 80))[0],
              AllOf(HasSubstr("PID"), HasSubstr("CPU"), HasSubstr("PRIVATE"), HasSubstr("PSS")));
  EXPECT_THAT(LinesOf(ToTable(report, 80))[3], HasSubstr("https://a-räther-löng-name"));
}

TEST(ProcessTable, CutsBetweenCharacters) {
  EXPECT_EQ(CutToColumns("Bücher", 6), "Bücher");
  EXPECT_EQ(CutToColumns("Bücher", 5), "Büch…");
  EXPECT_EQ(CutToColumns("Bücher", 2), "B…");
  EXPECT_EQ(CutToColumns("Bücher", 1), "…");
  EXPECT_EQ(CutToColumns("Bücher", 0), "");
}

TEST(ProcessTable, SaysWhatIsMissingAndWhyOnce) {
  ProcessReport report = Report();
  for (ReportedProcess& process : report.processes) {
    process.sample.memory = absl::PermissionDeniedError("open smaps_rollup: EACCES");
    process.cpu_share.reset();
  }
  const std::string table = ToTable(report);
  EXPECT_THAT(LinesOf(table)[3], HasSubstr("102    -  1.25s        -       -    -   412/3"));
  EXPECT_EQ(table.find("- open smaps_rollup: EACCES"), table.rfind("- open smaps_rollup: EACCES"));
  EXPECT_THAT(table, HasSubstr("\n- open smaps_rollup: EACCES\n"));
}

TEST(ProcessTable, TemplateThatWasNeverStartedIsLeftOut) {
  ProcessReport report = Report();
  report.processes.push_back(
      {.role = ProcessRole::kTemplate, .name = "Template gpu", .state = "not started"});
  report.processes.push_back({.role = ProcessRole::kTemplate,
                              .name = "Template vr",
                              .state = "given up: died of SIGSEGV"});
  const std::string table = ToTable(report);
  EXPECT_THAT(table, Not(HasSubstr("gpu")));
  EXPECT_THAT(table, AllOf(HasSubstr("Template vr"), HasSubstr("died of SIGSEGV")));
}

// Whoever names a process does not own the terminal.
TEST(ProcessTable, NamesWithControlCharactersAreHarmless) {
  ProcessReport report = Report();
  for (const std::string_view evil : {"a\x1b[2Jb", "a\nb", "a\x7f\x01",
                                      "a\xc2\x9b"
                                      "2J",
                                      "\xff\xfe"}) {
    report.processes[2].name = evil;
    report.processes[2].state = evil;
    report.processes[1].sample.memory = absl::UnknownError(std::string(evil));
    const std::string table = ToTable(report, 100);
    for (const std::string& line : LinesOf(table)) {
      EXPECT_THAT(line, Each(AllOf(testing::Ne('\x1b'), testing::Ne('\x7f'), testing::Ne('\x01'))));
      EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
      EXPECT_EQ(line.find('\xff'), std::string::npos);
    }
    EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 8);
    EXPECT_FALSE(nlohmann::json::parse(ToJson(report), nullptr, false).is_discarded()) << evil;
  }
}

TEST(ProcessJson, HasAllFiguresInTheirUnits) {
  ProcessReport report = Report();
  report.processes[3].sample.memory = absl::PermissionDeniedError("EACCES of it");
  report.processes[3].sample.stat = absl::NotFoundError("ESRCH of it");
  report.processes[3].cpu_share.reset();
  const nlohmann::json document = nlohmann::json::parse(ToJson(report));
  EXPECT_EQ(document["taken_at_ns"], 17);
  EXPECT_EQ(document["took_ns"], 2'500'000);
  ASSERT_EQ(document["processes"].size(), 4u);
  const nlohmann::json& one = document["processes"][2];
  EXPECT_EQ(one["pid"], 102);
  EXPECT_EQ(one["below"], 101);
  EXPECT_EQ(one["name"], "https://a.test (102)");
  EXPECT_EQ(one["type"], "content");
  EXPECT_EQ(one["remote_type"], "webIsolated=https://a.test");
  EXPECT_EQ(one["cpu_share"], 0.5);
  EXPECT_EQ(one["cpu_ns"], kSecond + kSecond / 4);
  EXPECT_EQ(one["minor_faults"], 412);
  EXPECT_EQ(one["major_faults"], 3);
  EXPECT_EQ(one["threads"], 5);
  EXPECT_EQ(one["descriptors"], 9);
  EXPECT_EQ(one["uptime_ns"], 3723 * kSecond);
  EXPECT_EQ(one["memory"]["private"], 400 << 10);
  EXPECT_EQ(one["memory"]["shared"], 300 << 10);
  EXPECT_EQ(one["memory"]["proportional"], 500 << 10);
  EXPECT_EQ(one["memory"]["resident"], 700 << 10);
  EXPECT_EQ(one["memory"]["swapped"], 4096);
  EXPECT_TRUE(one["missing"].empty());

  const nlohmann::json& last = document["processes"][3];
  EXPECT_EQ(last["below"], 100);
  EXPECT_TRUE(last["memory"].is_null());
  EXPECT_TRUE(last["cpu_share"].is_null());
  EXPECT_TRUE(last["minor_faults"].is_null());
  EXPECT_TRUE(last["remote_type"].is_null());
  EXPECT_EQ(last["missing"]["memory"], "EACCES of it");
  EXPECT_EQ(last["missing"]["stat"], "ESRCH of it");
}

TEST(ShortBytes, HasAtMostFourDigits) {
  EXPECT_EQ(ShortBytes(0), "0");
  EXPECT_EQ(ShortBytes(1023), "1023");
  EXPECT_EQ(ShortBytes(1024), "1K");
  EXPECT_EQ(ShortBytes(327680), "320K");
  EXPECT_EQ(ShortBytes((1024 << 10) - 512), "1.0M");
  EXPECT_EQ(ShortBytes(12897485), "12.3M");
  EXPECT_EQ(ShortBytes(uint64_t{107} << 20), "107M");
  EXPECT_EQ(ShortBytes(UINT64_MAX), "16.0E");
}

}  // namespace
}  // namespace forkserver
