// The README's example is a program that is built here, and it runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/testing/program.h"

namespace forkserver {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Embedding, ExampleLaunchesAChildThatGreets) {
  const testing::ProgramResult result =
      testing::RunProgram(std::vector<std::string>{"examples/embedding/embedding"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, ::testing::MatchesRegex("hello from pid [0-9]+: I am ready\n"));
}

TEST(Embedding, OutputThatCannotBeWrittenIsAnError) {
  const testing::ProgramResult result = testing::RunProgram(
      std::vector<std::string>{"/bin/sh", "-c", "exec examples/embedding/embedding >/dev/full"});
  EXPECT_EQ(result.exit_code, 1) << result.how;
  EXPECT_EQ(result.errors, "embedding: write to stdout failed\n");
}

TEST(Embedding, ReadmeShowsTheExampleAsItIs) {
  const std::string source = ReadFile("examples/embedding/embedding.cc");
  const size_t start = source.find("using namespace");
  ASSERT_NE(start, std::string::npos);
  EXPECT_NE(ReadFile("README.md").find(source.substr(start)), std::string::npos);
}

}  // namespace
}  // namespace forkserver
