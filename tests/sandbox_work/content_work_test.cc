// Content, of the web, of extensions and of the user's files: parses pages and shows them in the
// user's language, font and time.
#include <dirent.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_format.h"
#include "examples/browser_host/page_summary.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "tests/sandbox_work/work_host.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

using sandbox_work::Check;
using sandbox_work::Do;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::WorkHost;
using testing::HostSetup;
using testing::TemporaryFolder;

constexpr std::array kContentPolicies = {SandboxPolicyId::kContent, SandboxPolicyId::kFileContent,
                                         SandboxPolicyId::kExtension};
constexpr char kPage[] = "examples/browser_host/pages/town-library/index.html";
constexpr int kPageFd = 5;

// What file content may read, and what lies beside it.
const TemporaryFolder& Temporary() {
  static const TemporaryFolder folder;
  return folder;
}
std::string Folder() { return Temporary().path() + "/served"; }
std::string Neighbour() { return Temporary().path() + "/served.private"; }

std::string ReadAll(int fd) {
  std::string text;
  char chunk[4096];
  ssize_t size;
  while ((size = Check(read(fd, chunk, sizeof(chunk)), "read")) > 0) {
    text.append(chunk, static_cast<size_t>(size));
  }
  return text;
}

std::string Summary(const std::string& html) {
  const absl::StatusOr<browser_host::ParsedPage> parsed = browser_host::ParsedPage::Parse(html, {});
  if (!parsed.ok()) return std::string(parsed.status().message());
  const browser_host::PageSummary page = browser_host::SummarizePage(*parsed);
  return absl::StrFormat("%s: %d headings, %d links, %d bytes", page.title, page.headings.size(),
                         page.links.size(), page.text_bytes);
}

std::string ParseGivenPage(ChildContext&) { return Summary(ReadAll(kPageFd)); }

std::string ParseNamedPage(ChildContext& context) {
  const char* const path = context.argv[1];
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return "open: " + ErrnoName(errno);
  return Summary(ReadAll(file.get()));
}

std::string TellLocalTime(ChildContext& context) {
  setenv("TZ", context.argv[1], 1);
  tzset();
  const time_t summer = 1'720'000'000;
  tm parts;
  if (localtime_r(&summer, &parts) == nullptr) Fail("localtime_r");
  char text[64];
  return strftime(text, sizeof(text), "%Y-%m-%d %H:%M %Z", &parts) > 0 ? text : "(too long)";
}

std::string TellLocale(ChildContext& context) {
  if (setlocale(LC_ALL, context.argv[1]) == nullptr) return "none";
  wchar_t wide[8] = {};
  const size_t letters = mbstowcs(wide, "\xc3\xa4\xc3\xb6", 8);
  return absl::StrFormat("%s, %d letters", nl_langinfo(CODESET), static_cast<int>(letters));
}

size_t CountFonts() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("/usr/share/fonts")) {
    count += entry.is_regular_file();
  }
  return count;
}

std::string ListFonts(ChildContext&) { return std::to_string(CountFonts()); }

HOST_TEST(ContentWork, ParsesAPageThatItIsGiven) {
  for (const SandboxPolicyId policy : kContentPolicies) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    const UniqueFd page(open(kPage, O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(page.is_open());
    const std::string expected = Summary(ReadAll(page.get()));
    ASSERT_EQ(lseek(page.get(), 0, SEEK_SET), 0);
    LaunchOptions options;
    options.Map(page.get(), kPageFd);
    EXPECT_EQ(Do(server, policy, "parse given page", options), expected);
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(ContentWork, FileContentReadsWhatIsInItsFolderAndNothingBesideIt) {
  std::filesystem::create_directories(Folder() + "/deep");
  std::ofstream(Folder() + "/deep/page.html") << "<title>mine</title><h1>One</h1>";
  std::ofstream(Neighbour()) << "<title>secret</title>";
  std::filesystem::create_symlink(Neighbour(), Folder() + "/link.html");
  const auto parse = [&server](SandboxPolicyId policy, const std::string& path) {
    return Do(server, policy, "parse named page", {.argv = {"", path}});
  };
  const auto file_content = SandboxPolicyId::kFileContent;
  EXPECT_EQ(parse(file_content, Folder() + "/deep/page.html"),
            "mine: 1 headings, 0 links, 3 bytes");
  EXPECT_EQ(parse(file_content, Folder() + "/none.html"), "open: ENOENT");
  EXPECT_EQ(RefusedCalls(server), "");
  EXPECT_EQ(parse(file_content, Neighbour()), "open: EACCES");
  EXPECT_EQ(parse(file_content, Folder() + "/../served.private"), "open: EACCES");
  EXPECT_EQ(parse(file_content, Folder() + "/link.html"), "open: EACCES");
  EXPECT_EQ(parse(SandboxPolicyId::kContent, Folder() + "/deep/page.html"), "open: EACCES");
  EXPECT_EQ(server.refused_calls().size(), 4u);
}

HOST_TEST(ContentWork, KnowsTimeZones) {
  for (const SandboxPolicyId policy : kContentPolicies) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    const auto tell = [&](const std::string& zone) {
      return Do(server, policy, "tell local time", {.argv = {"", zone}});
    };
    EXPECT_EQ(tell("Asia/Tokyo"), "2024-07-03 18:46 JST");
    EXPECT_EQ(tell("America/New_York"), "2024-07-03 05:46 EDT");
    // As without a sandbox: UTC, of no name.
    EXPECT_EQ(tell("No/Where"), "2024-07-03 09:46 ");
    // The machine's own.
    setenv("TZ", ":/etc/localtime", 1);
    tzset();
    char text[64];
    const time_t summer = 1'720'000'000;
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M %Z", localtime(&summer));
    EXPECT_EQ(tell(":/etc/localtime"), text);
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(ContentWork, KnowsLocales) {
  for (const SandboxPolicyId policy : kContentPolicies) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    const auto tell = [&](const std::string& locale) {
      return Do(server, policy, "tell locale", {.argv = {"", locale}});
    };
    EXPECT_EQ(tell("C.UTF-8"), "UTF-8, 2 letters");
    EXPECT_EQ(tell("xx_XX.UTF-8"), "none");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(ContentWork, FindsFonts) {
  ASSERT_GT(CountFonts(), 0u);
  for (const SandboxPolicyId policy : kContentPolicies) {
    SCOPED_TRACE(SandboxPolicyName(policy));
    EXPECT_EQ(Do(server, policy, "list fonts"), std::to_string(CountFonts()));
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = WorkHost({{"parse given page", ParseGivenPage},
                              {"parse named page", ParseNamedPage},
                              {"tell local time", TellLocalTime},
                              {"tell locale", TellLocale},
                              {"list fonts", ListFonts}},
                             {kContentPolicies.begin(), kContentPolicies.end()});
  setup.options.templates[1].sandbox.files = {
      {.path = Folder(), .reach = FileReach::kBeneath, .rights = kMayRead}};
  return setup;
}

}  // namespace forkserver
