// `tools/bench --plot`: the figures that it writes, and what draws them.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "bench/plot_data.h"
#include "tests/testing/program.h"

namespace bench {
namespace {

using forkserver::testing::Lines;
using forkserver::testing::ProgramResult;
using forkserver::testing::RunProgram;

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Result MakeResult(std::string name, std::string unit, double p50) {
  Result result = {.name = std::move(name), .unit = std::move(unit), .p50 = p50, .p90 = p50 + 1};
  for (int percent = 0; percent <= 100; ++percent) result.percentiles.push_back(p50 + percent);
  return result;
}

TEST(PlotData, HasABlockARowAndALineAPoint) {
  const std::string folder = ::testing::TempDir() + "/plot_data";
  ASSERT_TRUE(PreparePlotFolder(folder).ok());
  const bench::Run run = {.results = {MakeResult("fork_ready", "us", 70),
                                      MakeResult("launch_ready", "us", 50),
                                      MakeResult("fork_exit_rate", "1/s", 900),
                                      MakeResult("launch_exit_rate_c16", "1/s", 1500)}};
  const std::vector<GrowthPoint> growth = {
      {{16}, MakeResult("fork", "us", 100), MakeResult("launch", "us", 60)}};
  ASSERT_TRUE(WritePlotData(run, growth, folder).ok());
  const std::string latency = ReadFile(folder + "/latency.dat");
  EXPECT_EQ(latency.substr(0, 35), "fork_ready\n70.0 0.00\n71.0 0.01\n72.0");
  EXPECT_NE(latency.find("\n\n\nlaunch_ready\n50.0 0.00\n"), std::string::npos);
  EXPECT_EQ(Lines(ReadFile(folder + "/growth.dat")).back(), "16 110.0 100.0 101.0 70.0 60.0 61.0");
  EXPECT_EQ(Lines(ReadFile(folder + "/throughput.dat")).back(), "16 1510.0 1500.0 1501.0 900.0");
}

TEST(LaunchBench, PlotWritesItsFiguresAndGnuplotDrawsThem) {
  const std::string folder = ::testing::TempDir() + "/plots";
  const ProgramResult result =
      RunProgram({"bench/launch_bench", "--plot", folder, "--rounds", "1", "--largest", "16"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(Lines(ReadFile(folder + "/growth.dat")).size(), 2u);
  EXPECT_EQ(Lines(ReadFile(folder + "/throughput.dat")).size(), 5u);
  EXPECT_NE(ReadFile(folder + "/latency.dat").find("launch_exit\n"), std::string::npos);

  if (access("/usr/bin/gnuplot", X_OK) != 0) GTEST_SKIP() << "no gnuplot here";
  const ProgramResult drawn =
      RunProgram({{"gnuplot", "-c", "bench/plot.gp", folder}, "/usr/bin/gnuplot"});
  ASSERT_EQ(drawn.exit_code, 0) << drawn.errors;
  for (const char* picture : {"/latency.svg", "/growth.svg", "/throughput.svg"}) {
    EXPECT_NE(ReadFile(folder + picture).find("</svg>"), std::string::npos) << picture;
  }
}

TEST(LaunchBench, PlotIntoAFolderThatCannotBeWrittenSaysSoAtOnce) {
  const std::string file = ::testing::TempDir() + "/a_file";
  std::ofstream(file) << "in the way";
  for (const std::string& folder : {file, file + "/below", std::string("/proc/no/such")}) {
    const ProgramResult result = RunProgram({"bench/launch_bench", "--plot", folder});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.output, "") << "it has measured";
    EXPECT_EQ(Lines(result.errors).size(), 1u) << result.errors;
    EXPECT_NE(result.errors.find(folder), std::string::npos) << result.errors;
  }
}

}  // namespace
}  // namespace bench
