// Pages that nobody here wrote: HTML manuals that Debian's packages install, fetched by the browser
// host from servers on several addresses of the loopback, so that they are several sites.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <list>
#include <string>
#include <vector>

#include "tests/examples/fetch/loopback_server.h"
#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using browser_host::LoopbackServer;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

// What tools/setup installs has some seventy of them, of which libunistring-dev and bazel-bootstrap
// alone have forty.
constexpr char kDocumentation[] = "/usr/share/doc";
constexpr size_t kMostSites = 8;
constexpr size_t kMostPagesOfASite = 10;
// Larger ones are right, and take seconds on a busy machine.
constexpr size_t kMostPageBytes = 300'000;

// Below it, in the order of their names.
std::vector<std::string> PagesBelow(const fs::path& folder) {
  std::vector<std::string> pages;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const bool is_page = entry.is_regular_file() && !entry.is_symlink() &&
                         entry.path().extension() == ".html" && entry.file_size() <= kMostPageBytes;
    if (is_page) pages.push_back(entry.path().lexically_relative(folder).string());
  }
  std::sort(pages.begin(), pages.end());
  if (pages.size() > kMostPagesOfASite) pages.resize(kMostPagesOfASite);
  return pages;
}

class RealPages : public PaintedSites {};

TEST_F(RealPages, OfSeveralSitesAreFetchedAndPainted) {
  std::vector<fs::path> packages;
  for (const auto& entry : fs::directory_iterator(kDocumentation)) {
    if (entry.is_directory() && !entry.is_symlink()) packages.push_back(entry.path());
  }
  std::sort(packages.begin(), packages.end());
  std::list<LoopbackServer> servers;
  std::vector<std::string> urls;
  // Those with many pages first.
  for (const size_t fewest : {10, 3, 1}) {
    for (fs::path& package : packages) {
      if (package.empty() || servers.size() == kMostSites) continue;
      const std::vector<std::string> pages = PagesBelow(package);
      if (pages.size() < fewest) continue;
      LoopbackServer& server = servers.emplace_back(
          LoopbackServer::Options{.address = "127.0.0." + std::to_string(2 + servers.size())});
      server.ServeFolder("/", package.string() + "/");
      for (const std::string& page : pages) urls.push_back(server.Url("/" + page));
      package.clear();
    }
  }
  ASSERT_GE(urls.size(), 30u);
  ASSERT_GE(servers.size(), 3u);
  const ProgramResult result = RunOn(urls);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(Names().size(), urls.size());
  EXPECT_THAT(result.output, Not(HasSubstr("picture   none")));
  for (size_t i = 0; i < servers.size(); ++i) {
    EXPECT_THAT(result.output, ContainsRegex("content +webIsolated=http://127.0.0." +
                                             std::to_string(2 + i) + " "));
  }
  // Some are parts that nobody is to see alone.
  size_t with_something = 0;
  for (const std::string& name : Names()) {
    const ReadPicture picture = PictureOf(name);
    with_something += std::any_of(picture.argb.begin(), picture.argb.end(),
                                  [&](uint32_t argb) { return argb != picture.argb.front(); });
  }
  EXPECT_GE(with_something, 30u);
}

}  // namespace
}  // namespace forkserver::testing
