// What FORKSERVER_DEBUG_CHILD_PROCESS and FORKSERVER_DEBUG_CHILD_PAUSE ask for.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "child/process_types.h"
#include "forkserver/host/child_debugging.h"

namespace forkserver {
namespace {

// "types / seconds / errors", for short.
std::string Parsed(const char* process, const char* pause) {
  std::vector<std::string> errors;
  const ChildDebugging debugging = ParseChildDebugging(process, pause, errors);
  const std::string types =
      debugging.types == kLaunchableProcessTypes ? "all" : ProcessTypeNames(debugging.types);
  std::string text = types + " / " + std::to_string(debugging.pause_seconds);
  for (const std::string& error : errors) text += " / " + error;
  return text;
}

TEST(ChildDebugging, NothingIsAskedFor) {
  EXPECT_EQ(Parsed(nullptr, nullptr), "none / 30");
  EXPECT_EQ(Parsed("", ""), "none / 30");
  EXPECT_EQ(Parsed("0", nullptr), "none / 30");
  EXPECT_EQ(Parsed("0", "5"), "none / 30");
}

TEST(ChildDebugging, EitherVariableAsks) {
  EXPECT_EQ(Parsed("1", nullptr), "all / 30");
  EXPECT_EQ(Parsed("1", "5"), "all / 5");
  EXPECT_EQ(Parsed(nullptr, "5"), "all / 5");
  EXPECT_EQ(Parsed("1", "0:gpu"), "gpu / 0");
  EXPECT_EQ(Parsed(nullptr, "86400:content"), "content / 86400");
}

TEST(ChildDebugging, WhatIsNoneIsToldAndIsAsIfItWereNotSet) {
  EXPECT_EQ(Parsed("yes", nullptr),
            "none / 30 / FORKSERVER_DEBUG_CHILD_PROCESS=yes: neither 0 nor 1");
  EXPECT_EQ(Parsed("yes", "5:gpu"),
            "gpu / 5 / FORKSERVER_DEBUG_CHILD_PROCESS=yes: neither 0 nor 1");
  for (const char* const bad : {"x", ":content", "-1", "+1", " 1", "1 ", "1.5", "86401",
                                "4294967296", "99999999999999999999", "x:content"}) {
    EXPECT_EQ(Parsed(nullptr, bad), std::string("none / 30 / FORKSERVER_DEBUG_CHILD_PAUSE=") + bad +
                                        ": not seconds[:type] with 0 to 86400 seconds");
  }
  EXPECT_EQ(Parsed("1", "x").substr(0, 8), "all / 30");
}

TEST(ChildDebugging, ATypeIsOneThatHasChildren) {
  for (const char* const bad :
       {"5:", "5:fish", "5:Content", "5:parent", "5:forkserver", "5:gpu:"}) {
    const std::string parsed = Parsed(nullptr, bad);
    EXPECT_EQ(parsed.find(std::string("none / 30 / FORKSERVER_DEBUG_CHILD_PAUSE=") + bad +
                          ": no type of a child is called so; there are content, utility, "),
              0u)
        << parsed;
  }
}

TEST(ChildDebugging, AnErrorIsOneLineOfAFewBytes) {
  std::vector<std::string> errors;
  ParseChildDebugging("a\nb\x1b[1m", std::string(100'000, 'x').c_str(), errors);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0], "FORKSERVER_DEBUG_CHILD_PROCESS=a\\x0ab\\x1b[1m: neither 0 nor 1");
  EXPECT_LT(errors[1].size(), 300u);
}

}  // namespace
}  // namespace forkserver
