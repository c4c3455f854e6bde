// The launch benchmark's own facts: what it selects, counts and writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/groups.h"
#include "bench/measure.h"
#include "bench/row.h"
#include "tests/testing/program.h"

namespace bench {
namespace {

Row MakeRow(std::string name, std::string baseline,
            std::function<absl::StatusOr<double>()> sample) {
  return {std::move(name), std::move(baseline), "us", "", std::move(sample)};
}

std::vector<std::string> Names(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

TEST(SelectRows, BringsBaselinesOfBaselinesAlong) {
  const std::vector<Row> rows = {MakeRow("a", "", {}), MakeRow("b", "a", {}), MakeRow("c", "b", {}),
                                 MakeRow("d", "", {})};
  EXPECT_EQ(Names(*SelectRows(rows, "^c$")), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(Names(*SelectRows(rows, "")).size(), 4u);
  EXPECT_TRUE(absl::IsInvalidArgument(SelectRows(rows, "nothing").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SelectRows(rows, "(").status()));
}

TEST(Measure, TakesRowsInTurnAndGivesPercentilesAndRatio) {
  std::string order;
  double next = 0;
  const std::vector<Row> rows = {MakeRow("base", "",
                                         [&]() -> absl::StatusOr<double> {
                                           order += 'b';
                                           return 10.0;
                                         }),
                                 MakeRow("row", "base", [&]() -> absl::StatusOr<double> {
                                   order += 'r';
                                   return ++next;
                                 })};
  const auto results = Measure(rows, {.warm_up_rounds = 0, .max_rounds = 100}, [](int, int) {});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(order.substr(0, 6), "brbrbr");
  EXPECT_EQ((*results)[1].n, 100u);
  EXPECT_EQ((*results)[1].p50, 50);
  EXPECT_EQ((*results)[1].p90, 90);
  EXPECT_EQ((*results)[1].p99, 99);
  EXPECT_EQ((*results)[1].ratio_p50, 5);
  EXPECT_FALSE((*results)[0].ratio_p50.has_value());
}

TEST(Measure, EndsWithTheNameOfARowThatFails) {
  const std::vector<Row> rows = {
      MakeRow("broken", "", [] { return absl::StatusOr<double>(absl::InternalError("no fork")); })};
  const auto results = Measure(rows, {}, [](int, int) {});
  EXPECT_EQ(results.status().message(), "broken: no fork");
}

TEST(Measure, SlowRowsTakePartInSomeRoundsOnly) {
  int slow = 0;
  std::vector<Row> rows = {MakeRow("fast", "", [] { return absl::StatusOr<double>(1.0); }),
                           MakeRow("slow", "fast", [&] { return absl::StatusOr<double>(++slow); })};
  rows[1].every = 10;
  const auto results = Measure(rows, {.warm_up_rounds = 0, .max_rounds = 25}, [](int, int) {});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[0].n, 25u);
  EXPECT_EQ((*results)[1].n, 3u);
  EXPECT_EQ((*results)[1].percentiles.size(), 101u);
  EXPECT_EQ((*results)[1].percentiles.front(), 1);
  EXPECT_EQ((*results)[1].percentiles.back(), 3);
}

TEST(MeasureGroups, MeasuresOneGroupAfterTheOther) {
  std::string order;
  const auto row = [&](std::string name, std::string baseline, Group group) {
    Row row = MakeRow(name, std::move(baseline), [&order, name] {
      order += name;
      return absl::StatusOr<double>(1.0);
    });
    row.group = group;
    return row;
  };
  const std::vector<Row> rows = {row("a", "", Group::kLaunch), row("x", "", Group::kRate),
                                 row("b", "a", Group::kLaunch), row("y", "x", Group::kRate)};
  const bench::Run run =
      MeasureGroups(rows, {.max_rounds = 2}, [](const std::string&, int, int) {});
  EXPECT_TRUE(run.failure.ok()) << run.failure;
  // Warmed up as often as the group would be, but not more often than it is measured.
  EXPECT_EQ(order,
            "abababab"
            "xyxyxy");
  std::vector<std::string> names;
  for (const Result& result : run.results) names.push_back(result.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "x", "y"}));
}

TEST(MeasureGroups, LeavesOutARowThatThisMachineCannotHave) {
  std::vector<Row> rows = {MakeRow("base", "", [] { return absl::StatusOr<double>(1.0); }),
                           MakeRow("row", "base", [] { return absl::StatusOr<double>(2.0); })};
  rows[0].prepare = [] { return absl::UnavailableError("no python3"); };
  const bench::Run run =
      MeasureGroups(rows, {.max_rounds = 1}, [](const std::string&, int, int) {});
  EXPECT_TRUE(run.failure.ok()) << run.failure;
  ASSERT_EQ(run.results.size(), 1u);
  EXPECT_FALSE(run.results[0].ratio_p50.has_value());
  ASSERT_EQ(run.left_out.size(), 1u);
  EXPECT_EQ(run.left_out[0].name, "base");
  EXPECT_EQ(run.left_out[0].why, "no python3");
}

// Whether in its preparation or in a sample.
TEST(MeasureGroups, LeavesOutAGroupThatFailsAndMeasuresTheOthers) {
  const auto good = [] { return absl::StatusOr<double>(1.0); };
  for (const bool in_preparation : {false, true}) {
    std::vector<Row> rows = {MakeRow("before", "", good), MakeRow("base", "", good),
                             MakeRow("absent", "", good), MakeRow("broken", "base", good),
                             MakeRow("after", "", good)};
    rows[0].group = Group::kPool;
    rows[4].group = Group::kMemory;
    rows[2].prepare = [] { return absl::UnavailableError("no python3"); };
    if (in_preparation) {
      rows[3].prepare = [] { return absl::InternalError("no fork"); };
    } else {
      rows[3].sample = [] { return absl::StatusOr<double>(absl::InternalError("no fork")); };
    }
    const bench::Run run =
        MeasureGroups(rows, {.max_rounds = 1}, [](const std::string&, int, int) {});
    ASSERT_EQ(run.results.size(), 2u);
    EXPECT_EQ(run.results[0].name, "before");
    EXPECT_EQ(run.results[1].name, "after");
    std::vector<std::string> left_out;
    for (const LeftOut& row : run.left_out) left_out.push_back(row.name + ": " + row.why);
    EXPECT_EQ(left_out, (std::vector<std::string>{"absent: no python3", "base: broken: no fork",
                                                  "broken: broken: no fork"}));
    EXPECT_EQ(run.failure.message(), "broken: no fork");
  }
}

TEST(Extent, QuickIsLessThanFullAndRoundsAreAtMostWhatIsAsked) {
  for (const Group group :
       {Group::kLaunch, Group::kGrowth, Group::kHeap, Group::kRate, Group::kMemory, Group::kStart,
        Group::kTrace, Group::kPage, Group::kPageMemory, Group::kMessage}) {
    const Budget full = BudgetOf(group, {.pace = Pace::kFull});
    const Budget quick = BudgetOf(group, {.pace = Pace::kQuick});
    EXPECT_LT(quick.max_rounds, full.max_rounds);
    EXPECT_LT(quick.max_time, full.max_time);
    EXPECT_EQ(BudgetOf(group, {.max_rounds = 1}).max_rounds, 1);
  }
}

TEST(LaunchBench, WritesTheRowsThatAreAskedFor) {
  const std::string path = ::testing::TempDir() + "/bench.json";
  const forkserver::testing::ProgramResult result = forkserver::testing::RunProgram(
      {"bench/launch_bench", "--quick", "--filter", "^launch_ready$", "--json", path});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::ifstream file(path);
  const nlohmann::json document = nlohmann::json::parse(file);
  EXPECT_FALSE(document["kernel"].get<std::string>().empty());
  EXPECT_GT(document["cpus"].get<int>(), 0);
  EXPECT_TRUE(document["left_out"].empty());
  ASSERT_EQ(document["rows"].size(), 2u);
  const nlohmann::json& base = document["rows"][0];
  const nlohmann::json& row = document["rows"][1];
  EXPECT_EQ(base["name"], "fork_ready");
  EXPECT_FALSE(base.contains("baseline"));
  EXPECT_EQ(row["name"], "launch_ready");
  EXPECT_EQ(row["baseline"], "fork_ready");
  EXPECT_EQ(row["unit"], "us");
  EXPECT_GT(row["n"].get<int>(), 0);
  EXPECT_LE(row["p50"].get<double>(), row["p90"].get<double>());
  EXPECT_LE(row["p90"].get<double>(), row["p99"].get<double>());
  EXPECT_NEAR(row["ratio_p50"].get<double>(), row["p50"].get<double>() / base["p50"].get<double>(),
              1e-6);
}

TEST(LaunchBench, StartsAHostWithTheLauncherAndWithout) {
  const std::string path = ::testing::TempDir() + "/start.json";
  const forkserver::testing::ProgramResult result = forkserver::testing::RunProgram(
      {"bench/launch_bench", "--rounds", "2", "--filter", "^launcher_start$", "--json", path});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::ifstream file(path);
  const nlohmann::json document = nlohmann::json::parse(file);
  EXPECT_TRUE(document["left_out"].empty());
  ASSERT_EQ(document["rows"].size(), 2u);
  EXPECT_EQ(document["rows"][0]["name"], "direct_start");
  EXPECT_EQ(document["rows"][1]["name"], "launcher_start");
  EXPECT_EQ(document["rows"][1]["baseline"], "direct_start");
}

TEST(LaunchBench, PaintsAPageInAProcessOfEachKindAndWeighsThem) {
  const std::string path = ::testing::TempDir() + "/paint.json";
  const forkserver::testing::ProgramResult result =
      forkserver::testing::RunProgram({"bench/launch_bench", "--rounds", "1", "--filter",
                                       "^(first_paint|page_process_pss)_", "--json", path});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::ifstream file(path);
  const nlohmann::json document = nlohmann::json::parse(file);
  EXPECT_TRUE(document["left_out"].empty()) << document["left_out"];
  std::vector<std::string> rows;
  for (const nlohmann::json& row : document["rows"]) {
    rows.push_back(row["name"].get<std::string>() + " " + row["unit"].get<std::string>() + " " +
                   row.value("baseline", "-"));
    // Less than that, in either unit, is no process that has painted.
    EXPECT_GT(row["p50"].get<double>(), 100) << row;
  }
  EXPECT_EQ(rows, (std::vector<std::string>{"page_process_pss_exec KiB -",
                                            "page_process_pss_template KiB page_process_pss_exec",
                                            "first_paint_exec us -",
                                            "first_paint_template us first_paint_exec",
                                            "first_paint_pool us first_paint_exec"}));
}

// A plain build of it, that is: its two programs are not beside it.
TEST(LaunchBench, LeavesOutTheRowsOfTracesWhereTheirProgramsAreNotBuilt) {
  const std::string folder = ::testing::TempDir() + "/alone";
  std::filesystem::create_directory(folder);
  std::filesystem::copy_file("bench/launch_bench", folder + "/launch_bench",
                             std::filesystem::copy_options::overwrite_existing);
  const std::string path = ::testing::TempDir() + "/alone.json";
  const forkserver::testing::ProgramResult result = forkserver::testing::RunProgram(
      {folder + "/launch_bench", "--rounds", "1", "--filter", "^trace_off$", "--json", path});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::ifstream file(path);
  const nlohmann::json document = nlohmann::json::parse(file);
  EXPECT_TRUE(document["rows"].empty());
  ASSERT_EQ(document["left_out"].size(), 2u);
  EXPECT_EQ(document["left_out"][0]["name"], "untraced_ready");
  EXPECT_EQ(document["left_out"][0]["why"], "not built: //bench:untraced_sampler");
  EXPECT_EQ(document["left_out"][1]["name"], "trace_off");
}

// A Python that ends before its first sample.
TEST(LaunchBench, KeepsTheOtherRowsWhereOneFailsAndExitsWithOne) {
  const std::string folder = ::testing::TempDir() + "/broken_python";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/python3") << "#!/bin/sh\necho ok\n";
  std::filesystem::permissions(folder + "/python3", std::filesystem::perms::owner_all);
  const std::string path = ::testing::TempDir() + "/broken.json";
  const forkserver::testing::ProgramResult result = forkserver::testing::RunProgram(
      {.argv = {"bench/launch_bench", "--rounds", "1", "--filter",
                "^(seqpacket_roundtrip|python_forkserver_ready)$", "--json", path},
       .environment = std::vector<std::string>{"PATH=" + folder}});
  EXPECT_EQ(result.exit_code, 1) << result.how;
  EXPECT_NE(result.output.find("seqpacket_roundtrip              1"), std::string::npos)
      << result.output;
  EXPECT_NE(result.output.find("python_forkserver_ready    left out: python_forkserver_ready: "),
            std::string::npos)
      << result.output;
  const std::vector<std::string> errors = forkserver::testing::Lines(result.errors);
  ASSERT_EQ(errors.size(), 1u) << result.errors;
  EXPECT_NE(errors[0].find("launch_bench: python_forkserver_ready: "), std::string::npos);
  std::ifstream file(path);
  const nlohmann::json document = nlohmann::json::parse(file);
  ASSERT_EQ(document["rows"].size(), 1u);
  EXPECT_EQ(document["rows"][0]["name"], "seqpacket_roundtrip");
  EXPECT_EQ(document["left_out"].size(), 2u);
}

TEST(LaunchBench, BadFlagsAreOneLineAndExitCodeTwo) {
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"--frobnicate"},
                                              {"--filter", "("},
                                              {"--filter", "nothing"},
                                              {"--json"},
                                              {"--rounds", "0"},
                                              {"--largest", "much"},
                                              {"--plot"},
                                              {"--plot", "dir", "--filter", "launch"},
                                              {"--syscalls", "--json", "file"},
                                              {"--phases", "--syscalls"},
                                              {"--syscalls", "--plot", "dir"},
                                              {"--quick", "--largest", "64"},
                                              {"stray"}}) {
    std::vector<std::string> argv = {"bench/launch_bench"};
    argv.insert(argv.end(), bad.begin(), bad.end());
    const forkserver::testing::ProgramResult result = forkserver::testing::RunProgram(argv);
    EXPECT_EQ(result.exit_code, 2) << bad[0];
    EXPECT_EQ(forkserver::testing::Lines(result.errors).size(), 1u) << result.errors;
  }
}

}  // namespace
}  // namespace bench
