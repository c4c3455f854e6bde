// The main job, run as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Lines;
using ::testing::MatchesRegex;
using testing::ProgramResult;
using testing::RunProgram;

constexpr char kProgram[] = "examples/browser_host/browser_host";

// Where they are, since a test's own folder has links to them, which lead out of it.
std::string Pages() {
  return std::filesystem::canonical("examples/browser_host/pages/field-guide/index.html")
      .parent_path()
      .parent_path();
}

class BrowserHost : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  static ProgramResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kProgram);
    return RunProgram(arguments);
  }

  // The remote types of the content processes, in the order of their launches.
  static std::vector<std::string> Processes(const std::string& output) {
    static const std::regex row(R"( *\d+  content +(\S+) +(pool|fork|exec) .*)");
    std::vector<std::string> types;
    for (const std::string& line : Lines(output)) {
      std::smatch match;
      if (std::regex_match(line, match, row)) types.push_back(match[1]);
    }
    return types;
  }

  const testing::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

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

TEST_F(BrowserHost, WhatIsPassedOverInAFolderIsALine) {
  const std::string folder = std::filesystem::path(Write("site/1.html", "")).parent_path();
  EXPECT_EQ(Run({folder}).errors.find("passed over"), std::string::npos);
  const std::string outside = Write("elsewhere/2.html", "<title>elsewhere</title>");
  std::filesystem::create_symlink(outside, folder + "/a\nb.html");
  const ProgramResult result = Run({folder});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(Lines(result.errors), ::testing::Contains("passed over " + folder +
                                                        "/a\\x0ab.html: a link out of the folder"));
  EXPECT_EQ(result.output.find("elsewhere"), std::string::npos);
  EXPECT_THAT(result.output, HasSubstr("1 page in 1 content process;"));
}

TEST_F(BrowserHost, FolderOfFoldersIsASiteEach) {
  Write("a/1.html", "<title>1</title>");
  Write("a/deep/2.html", "<title>2</title>");
  Write("b/3.HTM", "<title>3</title>");
  Write("c/no-page.txt", "");
  const ProgramResult result = Run({folder_.string() + "/"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("https://a.test/1.html\n"), HasSubstr("https://a.test/deep/2.html\n"),
                    HasSubstr("https://b.test/3.HTM\n"), HasSubstr("2 of 2 reaped")));
}

TEST_F(BrowserHost, PageThatCannotBeReadIsAnErrorOfThatPageOnly) {
  const std::string large = Write("large/page.html", "");
  std::filesystem::resize_file(large, (64 << 20) + 1);
  const ProgramResult result = Run({Write("site/good.html", "<title>good</title>"), large});
  EXPECT_EQ(result.exit_code, 1) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("title     good"),
                    HasSubstr("https://large.test/page.html\n"
                              "  error     read the given file: larger than 64 MiB\n"),
                    HasSubstr("2 of 2 reaped")));
}

// It is no hang, and no empty page: in a folder such a thing is passed over.
TEST_F(BrowserHost, PageThatIsAPipeOrADeviceIsNoFile) {
  const std::string fifo = (folder_ / "fifo.html").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  for (const std::string& page : {fifo, std::string("/dev/null"), std::string("/dev/zero")}) {
    SCOPED_TRACE(page);
    const ProgramResult result = Run({Write("site/good.html", "<title>good</title>"), page});
    EXPECT_EQ(result.exit_code, 1) << result.errors;
    EXPECT_THAT(result.output, AllOf(HasSubstr("title     good"),
                                     HasSubstr("  error     open " + page + ": not a file\n")));
    // That one opens it itself.
    const ProgramResult by_process = Run({"file://" + page});
    EXPECT_EQ(by_process.exit_code, 1) << by_process.errors;
    EXPECT_THAT(by_process.output,
                HasSubstr("  error     in its process: open " + page + ": not a file\n"));
  }
}

TEST_F(BrowserHost, BadInputIsOneLineThatNamesItAndAnExitCode) {
  const std::string no_pages = (folder_ / "empty").string();
  std::filesystem::create_directory(no_pages);
  const struct {
    std::vector<std::string> arguments;
    int exit_code;
    std::string names;
  } kCases[] = {
      {{"/there/is/no/page.html"}, 1, "/there/is/no/page.html: ENOENT"},
      {{no_pages}, 1, "no HTML pages in " + no_pages},
      {{"--frobnicate"}, 2, "--frobnicate"},
      {{"-x"}, 2, "unknown option -x"},
      {{"--prefs"}, 2, "--prefs wants a value"},
      {{"--prefs", "/no/prefs.js", Pages()}, 1, "/no/prefs.js: ENOENT"},
      {{"--prefs", no_pages, Pages()}, 1, no_pages + ": EISDIR"},
      {{"--prefs=", Pages()}, 2, "--prefs: the name of a file is empty"},
      {{"--prefs", "/dev/null", "", Pages()}, 2, "--prefs: the name of a file is empty"},
      {{""}, 2, "the name of a page is empty"},
      {{Pages(), ""}, 2, "the name of a page is empty"},
      {{"--print-prefs", "--", ""}, 2, "the name of a page is empty"},
      {{}, 2, "no page named"},
      {{"--container", "0", Pages()},
       2,
       "--container 0: a container is a number from 1 to 4294967295"},
      {{"--container", "4294967296", Pages()},
       2,
       "--container 4294967296: a container is a number"},
      {{"--container=x", Pages()}, 2, "--container x: a container"},
      {{"--container"}, 2, "--container wants a value"},
      {{"about:config", Pages()},
       1,
       "about:config is not served here; there is https://field-guide"},
      {{"about:config"}, 1, "about:config is not served here; nothing is"},
      {{"https://a b/", Pages()}, 1, "url https://a b/: a space"},
      {{"file://host/page.html"}, 1, "a file on another host"},
  };
  for (const auto& bad : kCases) {
    SCOPED_TRACE(bad.names);
    const ProgramResult result = Run(bad.arguments);
    EXPECT_EQ(result.exit_code, bad.exit_code);
    EXPECT_THAT(result.errors, HasSubstr(bad.names));
    EXPECT_EQ(Lines(result.errors).size(), 1u) << result.errors;
    EXPECT_EQ(result.output, "");
  }
}

// As a user who may not read it; root may, by these two capabilities.
TEST_F(BrowserHost, AFolderThatMayNotBeReadIsThatAndNotOneWithoutPages) {
  const std::string folder = std::filesystem::path(Write("site/1.html", "")).parent_path();
  ASSERT_EQ(chmod(folder.c_str(), 0), 0);
  std::vector<std::string> command = {kProgram, folder};
  if (geteuid() == 0) {
    const char* drop[] = {"/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search",
                          "--inh-caps=-dac_override,-dac_read_search"};
    command.insert(command.begin(), std::begin(drop), std::end(drop));
  }
  const ProgramResult result = RunProgram(command);
  EXPECT_EQ(chmod(folder.c_str(), 0700), 0);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "browser_host: read folder " + folder + ": EACCES\n");
  EXPECT_EQ(result.output, "");
}

TEST_F(BrowserHost, PrintPrefsIsSortedTypedAndEscapedAndALaterFileWins) {
  const std::string first =
      Write("first.js",
            "pref(\"b.bool\", true);\n"
            "pref(\"a.int\", -5);\n"
            "pref(\"c.string\", \"tab\\x09 nl\\n cr\\r backslash\\\\ \\u00e9\");\n"
            "pref(\"d.locked\", 1, locked);\n"
            "pref(\"e.broken\" 1);\n"
            "pref(\"f.behind\", 2);\n");
  const std::string second = Write("second.js",
                                   "user_pref(\"a.int\", 7); user_pref(\"d.locked\", 2);\n"
                                   "user_pref(\"b.bool\", \"no bool\");\n");
  const ProgramResult result = Run({"--prefs", first, second, "--print-prefs"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output,
            "a.int\tint\t7\n"
            "b.bool\tbool\ttrue\n"
            "c.string\tstring\ttab\\t nl\\n cr\\r backslash\\\\ \xc3\xa9\n"
            "d.locked\tint\t1\n"
            "f.behind\tint\t2\n");
  EXPECT_THAT(result.errors, HasSubstr(first + ":5: expected ',' after the pref's name"));
  EXPECT_THAT(result.errors, HasSubstr(second + ":2: user value of 'b.bool' is of type string"));
}

TEST_F(BrowserHost, PrintPrefsSaysThatThereAreNone) {
  const ProgramResult result = Run({"--print-prefs"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(Lines(result.errors), ::testing::Contains("no prefs are set"));
}

TEST_F(BrowserHost, PrefsFilesNeedNoCertainEnding) {
  const std::string first = Write("one.js", "pref('x', 1);");
  const std::string second = Write("two.prefs", "pref('x', 2);");
  const std::string page = Write("site/page.html", "<title>page</title>");
  const ProgramResult result = Run({"--prefs", first, second, page, "--print-prefs"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("x\tint\t2\n"), HasSubstr("title     page")));
}

TEST_F(BrowserHost, PrefsThatAreAPipeOrHaveNoEndAreNoHangAndNoAbort) {
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(Run({"--prefs", fifo, "--print-prefs"}).exit_code, 0);
  const ProgramResult endless = Run({"--prefs", "/dev/zero", "--print-prefs"});
  EXPECT_EQ(endless.exit_code, 1);
  EXPECT_EQ(endless.errors, "browser_host: read /dev/zero: larger than 64 MiB\n");
}

TEST_F(BrowserHost, TwoFoldersOfOneNameAreTwoSites) {
  Write("a/html/i.html", "<title>of a</title>");
  Write("b/html/i.html", "<title>of b</title>");
  const ProgramResult result = Run({(folder_ / "a/html").string(), (folder_ / "b/html").string()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("https://html.test/i.html\n  title     of a"),
                                   HasSubstr("https://html-2.test/i.html\n  title     of b"),
                                   HasSubstr("2 of 2 reaped")));
  EXPECT_THAT(result.errors,
              HasSubstr("https://html-2.test is " + (folder_ / "b/html").string() + "\n"));
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

TEST_F(BrowserHost, UrlChoosesAmongTheDefaultPagesAndAFileUrlDoesNotOpenThem) {
  const ProgramResult one = Run({"--default-pages", Pages(), "https://field-guide.test/"});
  EXPECT_EQ(one.exit_code, 0) << one.errors;
  EXPECT_THAT(one.output, AllOf(HasSubstr("https://field-guide.test/index.html\n  title "),
                                HasSubstr("1 page in 1 content process;")));
  const ProgramResult file =
      Run({"--default-pages", Pages(), "file://" + Write("page.html", "<title>page</title>")});
  EXPECT_THAT(file.output, HasSubstr("1 page in 1 content process;"));
}

// More than the queue of its process has room for.
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
    EXPECT_THAT(result.errors, HasSubstr("browser_host: write to stdout failed\n"));
  }
}

TEST_F(BrowserHost, ThousandsOfPrefsReachTheChild) {
  std::string text;
  for (int i = 0; i < 6000; ++i) {
    text += "pref(\"p." + std::to_string(100000 + i) + "\", " + std::to_string(i) + ");\n";
  }
  const ProgramResult result = Run({"--prefs=" + Write("many.js", text), "--print-prefs"});
  EXPECT_EQ(result.exit_code, 0);
  const std::vector<std::string> lines = Lines(result.output);
  ASSERT_EQ(lines.size(), 6000u);
  EXPECT_EQ(lines[4321], "p.104321\tint\t4321");
}

TEST_F(BrowserHost, PageMayNotWriteToTheTerminal) {
  const std::string page = Write("site/evil.html", "<title>\x1b[2Jcleared\x07</title>");
  const ProgramResult result = Run({page});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output.find('\x1b'), std::string::npos);
  EXPECT_THAT(result.output, HasSubstr("[2Jcleared"));
}

}  // namespace
}  // namespace forkserver
