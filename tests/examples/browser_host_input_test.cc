// What browser_host is given: folders, pages, URLs and prefs, and what it says of those that are
// bad.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "tests/examples/run_browser_host.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST_F(BrowserHost, FileOfPlainTextIsNoHtml) {
  const std::string page = "<title>read</title>\n<h1>obeyed</h1>";
  const ProgramResult result =
      Run({Write("site/1.html", page), Write("site/2.txt", page), Write("site/3.TXT", page)});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("https://site.test/1.html\n  title     read\n"));
  EXPECT_THAT(result.output, HasSubstr("3 pages in 1 content process;"));
  EXPECT_EQ(result.output.find("  title     read"), result.output.rfind("  title     read"));
  EXPECT_EQ(result.output.find("obeyed"), result.output.rfind("obeyed"));
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
      {{"https://nobody.test/", Pages()},
       1,
       "https://nobody.test/ is not served here; there is https://field-guide"},
      {{"https://nobody.test/"}, 1, "https://nobody.test/ is not served here; nothing is"},
      {{"--connect-to", "rubbish", Pages()}, 2, "--connect-to rubbish: not HOST:PORT:"},
      {{"https://a b/", Pages()}, 1, "url https://a b/: a space"},
      {{"file://host/page.html"}, 1, "a file on another host\n"},
      {{"file:///a b.html"},
       1,
       "url file:///a b.html: a space or a control character; a file: URL is percent-encoded"},
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

TEST_F(BrowserHost, HelpHasAShortName) {
  const ProgramResult help = Run({"-h"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.errors, "");
  EXPECT_EQ(help.output, Run({"--help"}).output);
  EXPECT_THAT(help.output, HasSubstr("SIGHUP end the processes"));
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
            "f.behind\tint\t2\n"
            "permissions.default.image\tint\t1\n");
  EXPECT_THAT(result.errors, HasSubstr(first + ":5: expected ',' after the pref's name"));
  EXPECT_THAT(result.errors, HasSubstr(second + ":2: user value of 'b.bool' is of type string"));
}

TEST_F(BrowserHost, PrintPrefsSaysThatThereAreNoneButTheProgramsOwn) {
  const ProgramResult result = Run({"--print-prefs"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "permissions.default.image\tint\t1\n");
  EXPECT_THAT(Lines(result.errors), ::testing::Contains("no prefs are set but the program's own"));
}

TEST_F(BrowserHost, PrefsFilesNeedNoCertainEnding) {
  const std::string first = Write("one.js", "pref('x', 1);");
  const std::string second = Write("two.prefs", "pref('x', 2);");
  const std::string page = Write("site/page.html", "<title>page</title>");
  const ProgramResult result = Run({"--prefs", first, second, page, "--print-prefs"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("x\tint\t2\n"), HasSubstr("title     page")));
}

TEST_F(BrowserHost, PrefsThatAreAPipeOrHaveNoEndAreAnErrorAndNoHang) {
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const ProgramResult pipe = Run({"--prefs", fifo, "--print-prefs"});
  EXPECT_EQ(pipe.exit_code, 1);
  EXPECT_EQ(pipe.errors,
            "browser_host: --prefs " + fifo + ": it is a pipe, and prefs are read from files\n");
  const ProgramResult endless = Run({"--prefs", "/dev/zero", "--print-prefs"});
  EXPECT_EQ(endless.exit_code, 1);
  EXPECT_EQ(endless.errors, "browser_host: read /dev/zero: larger than 64 MiB\n");
}

TEST_F(BrowserHost, FileOfAnotherTypeIsAnErrorThatNamesIt) {
  const std::string page = Write("a/page", "<title>page</title>");
  const std::string pdf = Write("a/Manual.PDF", "%PDF-1.4");
  const ProgramResult result = Run({page, pdf, "file://" + pdf});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("/Manual.PDF\n  error     application/pdf is not shown\n"),
                    HasSubstr("file://" + pdf + "\n  error     application/pdf is not shown\n")));
  EXPECT_THAT(Run({page}).output, HasSubstr("  title     page\n"));
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

TEST_F(BrowserHost, UrlChoosesAmongTheDefaultPagesAndAFileUrlDoesNotOpenThem) {
  const ProgramResult one = Run({"--default-pages", Pages(), "https://field-guide.test/"});
  EXPECT_EQ(one.exit_code, 0) << one.errors;
  EXPECT_THAT(one.output, AllOf(HasSubstr("https://field-guide.test/index.html\n  title "),
                                HasSubstr("1 page in 1 content process;")));
  const ProgramResult file =
      Run({"--default-pages", Pages(), "file://" + Write("page.html", "<title>page</title>")});
  EXPECT_THAT(file.output, HasSubstr("1 page in 1 content process;"));
  const ProgramResult about = Run({"--default-pages", Pages(), "about:config"});
  EXPECT_THAT(about.output, HasSubstr("1 page in 1 content process;"));
  // Which is there to show those of pages.
  const ProgramResult processes = Run({"--default-pages", Pages() + "/field-guide", "--pictures",
                                       folder_ / "pictures", "about:processes"});
  EXPECT_THAT(processes.output, HasSubstr("in 2 content processes;"));
}

TEST_F(BrowserHost, ThousandsOfPrefsReachTheChild) {
  std::string text;
  for (int i = 0; i < 6000; ++i) {
    text += "pref(\"p." + std::to_string(100000 + i) + "\", " + std::to_string(i) + ");\n";
  }
  const ProgramResult result = Run({"--prefs=" + Write("many.js", text), "--print-prefs"});
  EXPECT_EQ(result.exit_code, 0);
  const std::vector<std::string> lines = Lines(result.output);
  ASSERT_EQ(lines.size(), 6001u);  // with the program's own
  EXPECT_EQ(lines[4321], "p.104321\tint\t4321");
}

// One after the other, and not one within the other.
TEST_F(BrowserHost, ThousandsOfPagesThatCannotBeOpenedAreAsManyErrors) {
  std::vector<std::string> pipes;
  for (int i = 0; i < 8000; ++i) {
    pipes.push_back(folder_ / (std::to_string(i) + ".html"));
    ASSERT_EQ(mkfifo(pipes.back().c_str(), 0600), 0);
  }
  const ProgramResult result = Run(pipes);
  EXPECT_EQ(result.exit_code, 1) << result.errors;
  size_t errors = 0;
  for (size_t at = 0; (at = result.output.find(": not a file\n", at)) != std::string::npos; ++at) {
    ++errors;
  }
  EXPECT_EQ(errors, 8000u);
}

// Those of the processes, each of which has the host's limit, are another matter.
TEST_F(BrowserHost, LacksDescriptorsAndBlamesNoProcess) {
  for (int page = 0; page < 6; ++page) {
    Write("sites/a/" + std::to_string(page) + ".html", "<p style='height: 700px'>text");
  }
  bool has_lacked = false;
  for (int most = 31; most <= 38; ++most) {
    SCOPED_TRACE(most);
    const ProgramResult result =
        RunProgram({"/bin/sh", "-c", "ulimit -n " + std::to_string(most) + "; exec \"$@\"", "sh",
                    kProgram, "--pictures", folder_ / "pictures", folder_ / "sites"});
    EXPECT_THAT(result.errors, Not(HasSubstr("LoadPage")));
    EXPECT_THAT(result.output, Not(HasSubstr("LoadPage")));
    has_lacked = has_lacked || result.output.find("EMFILE") != result.output.npos ||
                 result.errors.find("EMFILE") != result.errors.npos;
  }
  EXPECT_TRUE(has_lacked) << "none of the limits was one";
}

}  // namespace
}  // namespace forkserver::testing
