// Where libcurl and OpenSSL are, and what is without them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/examples/run_browser_host.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class NetworkLibraries : public BrowserHost {
 protected:
  // With what is in the test's folder as libcurl, of a template and of a process that is exec'ed.
  void ExpectEachFetchSays(const std::string& why) {
    const std::string page = Write("page.html", "<title>from a file</title>");
    for (const char* const safe_mode : {"", "1"}) {
      const ProgramResult result = RunProgram(
          {.argv = {kProgram, "http://127.0.0.1:1/", "https://127.0.0.1:1/", "file://" + page},
           .environment = VictimEnvironment({"LD_LIBRARY_PATH=" + folder_.string(),
                                             absl::StrCat("FORKSERVER_SAFE_MODE=", safe_mode)})});
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(result.output,
                  AllOf(HasSubstr("  error     http://127.0.0.1:1/: " + why + "\n"),
                        HasSubstr("  error     https://127.0.0.1:1/: " + why + "\n"),
                        HasSubstr("  title     from a file\n"),
                        ContainsRegex(absl::StrCat("socket +- +", *safe_mode ? "exec" : "fork",
                                                   " +- .* exited with status 0\n"))));
    }
  }

  void PutLibrary(const char* library) {
    std::filesystem::copy_file(absl::StrCat("tests/examples/fetch/", library),
                               folder_ / "libcurl.so.4");
  }
};

// Whatever is linked with the program is in each of its processes.
TEST_F(NetworkLibraries, AreNotLinkedWithTheProgram) {
  const ProgramResult result = RunProgram(
      {.argv = {kProgram}, .environment = VictimEnvironment({"LD_TRACE_LOADED_OBJECTS=1"})});
  EXPECT_THAT(result.output, AllOf(HasSubstr("libc.so.6 => "), Not(HasSubstr("libcurl")),
                                   Not(HasSubstr("libssl")), Not(HasSubstr("libcrypto"))));
}

TEST_F(NetworkLibraries, ThatCannotBeLoadedAreAnErrorOfEachFetchAndOfNothingElse) {
  const std::string path = Write("libcurl.so.4", "no library");
  ExpectEachFetchSays("dlopen libcurl.so.4: " + path + ": file too short");
}

TEST_F(NetworkLibraries, ThatLackAFunctionAreAnErrorThatNamesIt) {
  PutLibrary("no_curl.so");
  ExpectEachFetchSays(absl::StrCat("dlsym libcurl.so.4: ", (folder_ / "libcurl.so.4").string(),
                                   ": undefined symbol: curl_easy_cleanup"));
}

// It would be handed OpenSSL's structures.
TEST_F(NetworkLibraries, OfAnotherTlsLibraryAreNotUsed) {
  PutLibrary("other_curl.so");
  ExpectEachFetchSays("dlopen libssl.so.3: not what libcurl.so.4 has its TLS from");
}

}  // namespace
}  // namespace forkserver::testing
