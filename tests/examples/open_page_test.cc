// The smallest program that opens a URL, run as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/testing/program.h"

namespace forkserver {
namespace {

using ::testing::HasSubstr;
using testing::Lines;
using testing::ProgramResult;
using testing::RunProgram;

constexpr char kProgram[] = "examples/open_page/open_page";

ProgramResult RunOpenPage(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kProgram);
  return RunProgram(arguments);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(OpenPage, AsksTheProcessOfThePageAndEnds) {
  const ProgramResult result = RunOpenPage({"https://www.example.com/index.html"});
  EXPECT_EQ(result.exit_code, 0) << result.how;
  EXPECT_EQ(result.output,
            "content 1 (webIsolated=https://example.com) has https://www.example.com/index.html\n");
  EXPECT_EQ(result.errors, "");
}

TEST(OpenPage, PageOfTheParentsOwnHasNoProcess) {
  const ProgramResult result = RunOpenPage({"about:config"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "no content process: the parent loads it itself\n");
}

TEST(OpenPage, BadInputIsOneLineAndFails) {
  const struct {
    std::vector<std::string> arguments;
    std::string says;
  } kCases[] = {
      {{}, "open_page: usage: open_page URL"},
      {{"https://a.test/", "https://b.test/"}, "open_page: usage: open_page URL"},
      {{"page.html"}, "open_page: url page.html: no scheme"},
      {{"javascript:1"}, "open_page: javascript:1: is run where it is and loads nothing"},
      {{"data:," + std::string(50'000, 'x')},
       "open_page: url of 50006 bytes: a process can be told"},
      {{"--help"}, "open_page: usage: open_page URL"},
  };
  for (const auto& bad : kCases) {
    SCOPED_TRACE(bad.says);
    const ProgramResult result = RunOpenPage(bad.arguments);
    EXPECT_EQ(result.exit_code, 1) << result.how;
    EXPECT_THAT(result.errors, HasSubstr(bad.says));
    EXPECT_EQ(Lines(result.errors).size(), 1u) << result.errors;
    EXPECT_EQ(result.output, "");
  }
}

TEST(OpenPage, OutputThatCannotBeWrittenIsAnError) {
  for (const char* url : {"https://a.test/", "about:config"}) {
    const ProgramResult result = RunProgram(std::vector<std::string>{
        "/bin/sh", "-c", std::string("exec ") + kProgram + " " + url + " >/dev/full"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.errors, "open_page: write to stdout failed\n");
  }
}

// docs/process-model.md walks through it by pieces of the source, in their order.
TEST(OpenPage, PiecesInTheDocumentAreThoseOfTheSource) {
  const std::string source = ReadFile("examples/open_page/main.cc");
  std::istringstream document(ReadFile("docs/process-model.md"));
  std::string line;
  while (std::getline(document, line) && line.rfind("## A whole program", 0) != 0) {
  }
  size_t pieces = 0;
  size_t from = 0;
  while (std::getline(document, line) && line.rfind("## ", 0) != 0) {
    if (line != "```cpp") continue;
    std::string piece;
    while (std::getline(document, line) && line != "```") piece += line + "\n";
    from = source.find(piece, from);
    ASSERT_NE(from, std::string::npos) << piece;
    ++pieces;
  }
  EXPECT_GT(pieces, 2u);
}

}  // namespace
}  // namespace forkserver
