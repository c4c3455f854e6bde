// The main job, run as a user runs it: pages are opened, each in a process that may hold it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/examples/run_browser_host.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// The remote types of the content processes, in the order of their launches.
std::vector<std::string> Processes(const std::string& output) {
  static const std::regex row(R"( *\d+  content +(\S+) +(pool|fork|exec) .*)");
  std::vector<std::string> types;
  for (const std::string& line : Lines(output)) {
    std::smatch match;
    if (std::regex_match(line, match, row)) types.push_back(match[1]);
  }
  return types;
}

// The facts that the project promises of its first run.
TEST_F(BrowserHost, OpensAtLeastTwentyPagesOfFiveSitesEachInAProcessOfItsOwn) {
  const ProgramResult result = Run({Pages()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::set<std::string> sites, pids;
  size_t pages = 0;
  size_t children = 0;
  const std::regex row(R"( *(\d+)  content +webIsolated=https://(\S+)\.test +(pool|fork) )"
                       R"( +\d+ +\d+ KiB +\d+ us  exited with status 0)");
  for (const std::string& line : Lines(result.output)) {
    std::smatch match;
    if (line.rfind("  title     ", 0) == 0) ++pages;
    if (!std::regex_match(line, match, row)) continue;
    ++children;
    pids.insert(match[1]);
    sites.insert(match[2]);
  }
  EXPECT_GE(pages, 20u);
  EXPECT_GE(sites.size(), 5u);
  EXPECT_EQ(children, sites.size());
  EXPECT_EQ(pids.size(), sites.size());
  EXPECT_THAT(result.output,
              HasSubstr(std::to_string(children) + " of " + std::to_string(children) + " reaped"));
}

TEST_F(BrowserHost, PrintsTitleHeadingsLinksAndTextOfAPage) {
  const std::string page =
      Write("site/page.html",
            "<!doctype html><html><head><title> A &amp;\n B </title><style>p{}</style></head><body>"
            "<h1>One <em>more</em></h1><p>Some   text<script>not text</script>"
            "<h2>Two</h2><a href='x.html'>y</a> <a name=z>w</a></body></html>");
  const ProgramResult result = Run({page});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("https://site.test/page.html\n"
                                       "  title     A & B\n"
                                       "  headings  2: h1 One more; h2 Two\n"
                                       "  links     1: x.html\n"
                                       "  text      23 bytes\n"));
}

// Of which the machine may refuse some, each with a line that says why.
TEST_F(BrowserHost, SaysWhichLayersTheSandboxOfItsContentProcessesHas) {
  const ProgramResult result = Run({Write("site/page.html", "<title>page</title>")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const std::regex line(R"(sandbox: content, level 2, (\d+) of (\d+) layers)");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(result.output, match, line)) << result.output;
  size_t missing = 0;
  for (const std::string& text : Lines(result.output)) missing += text.rfind("  without ", 0) == 0;
  EXPECT_EQ(std::stoul(match[1]) + missing, std::stoul(match[2]));
  // The root, and the template with the sandbox.
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("forkserver  -  "), HasSubstr("forkserver  content ")));
}

TEST_F(BrowserHost, ContentProcessCannotOpenAFileItselfButWithoutTheSandboxItCan) {
  const std::string page = Write("site/page.html", "<title>page</title>");
  const ProgramResult refused = Run({"--by-name", page});
  EXPECT_EQ(refused.exit_code, 1) << refused.errors;
  EXPECT_THAT(refused.output, HasSubstr("  error     in its process: open " + page + ": EACCES\n"));
  const ProgramResult opened = Run({"--by-name", "--no-sandbox", page});
  EXPECT_EQ(opened.exit_code, 0) << opened.errors;
  EXPECT_THAT(opened.output, AllOf(HasSubstr("title     page"), HasSubstr("sandbox: none\n")));
}

TEST_F(BrowserHost, ALevelIsAPref) {
  const std::string page = Write("site/page.html", "<title>page</title>");
  const std::string level = "pref(\"security.sandbox.content.level\", ";
  EXPECT_THAT(Run({"--prefs", Write("off.js", level + "0);"), page}).output,
              HasSubstr("sandbox: none\n"));
  EXPECT_THAT(Run({"--prefs", Write("one.js", level + "1);"), page}).output,
              HasSubstr("sandbox: content, level 1, "));
}

TEST_F(BrowserHost, EachRefusalIsALineOfTheLogThatIsAskedFor) {
  const std::string page = Write("site/page.html", "<title>page</title>");
  const auto refusals = [&](const std::string& option) {
    const ProgramResult result = RunProgram(std::vector<std::string>{
        "/bin/sh", "-c",
        std::string("FORKSERVER_SANDBOX_LOG=1 exec ") + kProgram + " " + option + " " + page});
    std::vector<std::string> lines;
    for (const std::string& line : Lines(result.errors)) {
      if (line.rfind("sandbox: ", 0) == 0) lines.push_back(line);
    }
    return lines;
  };
  EXPECT_THAT(refusals("--by-name"),
              ElementsAre(AllOf(HasSubstr("sandbox: content pid "),
                                HasSubstr("openat(\"" + page + "\", O_RDONLY"),
                                HasSubstr("refused: EACCES"))));
  EXPECT_THAT(refusals(""), ::testing::IsEmpty());
}

TEST_F(BrowserHost, FileUrlGoesToTheFileProcessWhichReadsItItself) {
  const std::string page = Write("a b%/page.html", "<title>on disk</title>");
  const std::string url = "file://" + folder_.string() + "/a%20b%25/page.html";
  const ProgramResult result = Run({url});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr(url + "\n  title     on disk"), HasSubstr("\nsandbox: file-content"),
                    HasSubstr("1 page in 1 content process;")));
  EXPECT_THAT(Processes(result.output), ElementsAre("file"));
}

TEST_F(BrowserHost, FileUrlOfAFolderIsAnErrorThatNamesIt) {
  const ProgramResult result = Run({"file://" + folder_.string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("  error     read " + folder_.string() + ": EISDIR\n"));
}

// What leads out of what the command line names is no more the process's than any other file.
TEST_F(BrowserHost, FileProcessReadsNothingElse) {
  const std::string elsewhere = Write("elsewhere.html", "<title>elsewhere</title>");
  std::filesystem::create_symlink(elsewhere, folder_ / "link.html");
  const ProgramResult result = Run({"file://" + (folder_ / "link.html").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("link.html: EACCES\n"));
  EXPECT_EQ(result.output.find("title"), std::string::npos);
}

// Its style sheet makes the page higher than its one line of text.
TEST_F(BrowserHost, FileProcessReadsTheFoldersThatAreNamedBesideItsPage) {
  Write("site/style.css", "p { height: 300px }");
  const std::string page = Write("site/page.html", "<link rel=stylesheet href=style.css><p>text");
  const std::string pictures = (folder_ / "pictures").string();
  const auto picture_of = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"file://" + page, "--pictures", pictures});
    const ProgramResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return result.output;
  };
  EXPECT_THAT(picture_of({}), ContainsRegex("  picture   .*, 800 by [0-9][0-9], "));
  EXPECT_THAT(picture_of({(folder_ / "site").string()}),
              ContainsRegex("  picture   .*, 800 by 3[0-9][0-9], "));
}

TEST_F(BrowserHost, WithoutIsolationSitesShareAsManyProcessesAsThePrefSays) {
  for (const char* name : {"a", "b", "c", "d"}) {
    Write(std::string(name) + "/1.html", "");
    Write(std::string(name) + "/2.html", "");
  }
  const std::string prefs =
      Write("prefs.js", "pref('fission.autostart', false); pref('dom.ipc.processCount', 2);");
  const ProgramResult result = Run({"--prefs", prefs, folder_.string()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(Processes(result.output), ElementsAre("web", "web"));
  EXPECT_THAT(result.output, HasSubstr("8 pages in 2 content processes"));
}

TEST_F(BrowserHost, WithoutTheForkServerEveryLaunchIsAnExec) {
  const std::string prefs = Write("prefs.js", "pref('dom.ipc.forkserver.enable', false);");
  const ProgramResult result =
      Run({"--prefs", prefs, Write("a/1.html", ""), Write("b/1.html", "")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(Processes(result.output),
              ElementsAre("webIsolated=https://a.test", "webIsolated=https://b.test"));
  const std::regex execed(R"(  content +\S+ +exec )");
  EXPECT_EQ(std::distance(std::sregex_iterator(result.output.begin(), result.output.end(), execed),
                          std::sregex_iterator()),
            2);
  // No template but the root.
  EXPECT_EQ(result.output.find("forkserver  content"), std::string::npos);
}

TEST_F(BrowserHost, InSafeModePrintsTheSameAndSaysSoOnce) {
  const ProgramResult usual = Run({Pages()});
  const ProgramResult safe =
      RunProgram({.argv = {kProgram, Pages()},
                  .environment = testing::VictimEnvironment({"FORKSERVER_SAFE_MODE=1"})});
  EXPECT_EQ(safe.exit_code, 0) << safe.errors;
  EXPECT_EQ(safe.errors,
            "opening 6 sites\n"
            "browser_host: safe mode: FORKSERVER_SAFE_MODE=1 asks for it, and no template is "
            "started\n");
  const auto pages = [](const ProgramResult& result) {
    return result.output.substr(0, result.output.find("    PID  TYPE"));
  };
  EXPECT_EQ(pages(safe), pages(usual));
  EXPECT_EQ(safe.output.find("forkserver"), std::string::npos) << safe.output;
}

TEST_F(BrowserHost, PrivateBrowsingAndContainersArePartOfTheRemoteType) {
  const std::string page = Write("a/page.html", "<title>page</title>");
  const std::string type = "webIsolated=https://a.test";
  EXPECT_THAT(Processes(Run({"--private", page}).output),
              ElementsAre(type + "^privateBrowsingId=1"));
  EXPECT_THAT(Processes(Run({"--container", "7", page}).output),
              ElementsAre(type + "^userContextId=7"));
  EXPECT_THAT(Processes(Run({"--container=7", "--private", "file://" + page}).output),
              ElementsAre("file^userContextId=7&privateBrowsingId=1"));
}

// More than the queue of its process has room for.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// With less memory than its warm-up needs. Exec'ed processes do without.
TEST_F(BrowserHost, WhereTheContentTemplateDiesBeforeItServesPagesAreOpenedByExec) {
  const ProgramResult result =
      RunProgram(std::vector<std::string>{"/bin/sh", "-c", "ulimit -v 100000; exec $0 $1", kProgram,
                                          Write("a/1.html", "<title>all the same</title>")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("  title     all the same\n"));
  EXPECT_THAT(result.output, ContainsRegex("  exec +1 "));
}
#endif

// gumbo looks at all that is open at each tag.
TEST_F(BrowserHost, PageThatTakesTheParserTooLongIsAnErrorAndItsProcessGoesOn) {
  std::string html;
  for (int i = 0; i < 300'000; ++i) html += "<div>";
  Write("a/1.html", html);
  Write("a/2.html", "<title>after it</title>");
  const ProgramResult result = Run({folder_.string()});
  EXPECT_EQ(result.exit_code, 1) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("  error     page takes longer than 5000 ms\n"));
  EXPECT_THAT(result.output, HasSubstr("  title     after it\n"));
  EXPECT_EQ(Processes(result.output).size(), 1u);
  EXPECT_THAT(result.output, HasSubstr("1 of 1 reaped"));
}

TEST_F(BrowserHost, PageOfManyLinksIsReadWholeAndOneOfTooManyIsAnError) {
  std::string text = "<title>long</title>";
  for (int i = 0; i < 100'000; ++i) {
    text += "<a href='" + std::string(100, 'x') + std::to_string(i) + "'>y</a>";
  }
  const ProgramResult most = Run({Write("a/long.html", text)});
  EXPECT_EQ(most.exit_code, 0) << most.errors;
  EXPECT_THAT(most.output, AllOf(HasSubstr("  links     100000: "), HasSubstr("1 of 1 reaped")));
  const ProgramResult over = Run({Write("a/long.html", text + "<a href=z></a>")});
  EXPECT_EQ(over.exit_code, 1) << over.errors;
  EXPECT_THAT(over.output, AllOf(HasSubstr("  error     more than 100000 headings and links\n"),
                                 HasSubstr("exited with status 0\n")));
}

// A shell's background job ignores SIGINT, and goes on doing so. What stderr says of the sites'
// names is more than a pipe has room for: so the host waits for its reader, who sends the signals
// first.
TEST_F(BrowserHost, IsEndedInOrderBySigtermAndPrintsWhatWasDone) {
  for (int site = 0; site < 1000; ++site) {
    Write(std::string(50, 'S') + std::to_string(site) + "/page.html", "<title>page</title>");
  }
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/bin/sh", "-c",
      "mkfifo $1/errors; $0 $1 2>$1/errors & exec 3<$1/errors; "
      "while read -r line; do case $line in opening*) break;; esac; done <&3; "
      "kill -INT $!; kill -TERM $!; cat <&3 >&2; wait $!",
      kProgram, folder_.string()});
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.how;
  const std::vector<std::string> errors = Lines(result.errors);
  ASSERT_FALSE(errors.empty());
  EXPECT_THAT(errors.back(), MatchesRegex("stopped by SIGTERM, after [0-9]+ of 1000 pages"));
  EXPECT_EQ(result.output.find("  error "), std::string::npos);
  const std::regex summary(R"((\d+) pages? in (\d+) content process.*; (\d+) of (\d+) reaped)");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(result.output, match, summary)) << result.output;
  EXPECT_THAT(errors.back(), HasSubstr("after " + match[1].str() + " of "));
  EXPECT_EQ(match[3], match[2]);
  EXPECT_EQ(match[4], match[2]);
}

// As daemons are started.
TEST_F(BrowserHost, StartsWithoutStdin) {
  const std::string page = Write("site/page.html", "<title>page</title>");
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/bin/sh", "-c", std::string("exec ") + kProgram + " " + page + " <&-"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("title     page"));
}

TEST_F(BrowserHost, OutputThatCannotBeWrittenIsAnError) {
  const std::string page = Write("site/page.html", "<title>page</title>");
  for (const std::string& argument : {page, std::string("--help")}) {
    const ProgramResult result = RunProgram(std::vector<std::string>{
        "/bin/sh", "-c", std::string("exec ") + kProgram + " " + argument + " >/dev/full"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, HasSubstr("browser_host: write to stdout: ENOSPC\n"));
    const ProgramResult closed = RunProgram(std::vector<std::string>{
        "/bin/sh", "-c", std::string("exec ") + kProgram + " " + argument + " >&-"});
    EXPECT_EQ(closed.exit_code, 1);
    EXPECT_EQ(closed.errors, "browser_host: write to stdout: EBADF\n");
  }
}

TEST_F(BrowserHost, PageMayNotWriteToTheTerminal) {
  const std::string page = Write("site/evil.html", "<title>\x1b[2Jcleared\x07</title>");
  const ProgramResult result = Run({page});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output.find('\x1b'), std::string::npos);
  EXPECT_THAT(result.output, HasSubstr("[2Jcleared"));
}

}  // namespace
}  // namespace forkserver::testing
