#include "forkserver/model/web_content_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "forkserver/model/about_pages.h"
#include "forkserver/model/url.h"
#include "tests/testing/program.h"

namespace forkserver {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::RunProgram;

constexpr char kVictim[] = "tests/forkserver/model/check_victim";

TEST(AboutPages, EightAreOfThePrivilegedProcess) {
  std::vector<std::string> privileged;
  for (const AboutPage& page : AboutPages()) {
    if (WhereOf(page) == AboutWhere::kPrivilegedAbout) privileged.emplace_back(page.name);
  }
  EXPECT_THAT(privileged,
              ::testing::ElementsAre("certificate", "home", "logins", "loginsimportreport",
                                     "newtab", "privatebrowsing", "protections", "welcome"));
}

TEST(AboutPages, TheNameIsFoundInAnyCaseAndWhole) {
  ASSERT_NE(FindAboutPage("PreFerences"), nullptr);
  EXPECT_EQ(WhereOf(*FindAboutPage("PreFerences")), AboutWhere::kParent);
  EXPECT_EQ(FindAboutPage("preference"), nullptr);
  EXPECT_EQ(FindAboutPage("preferencesx"), nullptr);
  for (const AboutPage& page : AboutPages()) EXPECT_EQ(FindAboutPage(page.name), &page);
}

TEST(WebContentCheck, OnlyTheProgramsOwnMayBeInTheParent) {
  for (const char* url : {"about:config", "about:Preferences#privacy", "about:blank",
                          "about:srcdoc", "about:", "chrome://browser/content/browser.xhtml",
                          "resource://gre/x.js", "view-source:about:support"}) {
    EXPECT_TRUE(MayBeInParent(*Url::Parse(url))) << url;
  }
  for (const char* url :
       {"https://a.com/", "http://localhost/", "file:///etc/passwd", "data:text/html,x",
        "blob:https://a.com/x", "blob:null/x", "blob:chrome://browser/x", "moz-extension://a/",
        "about:logins", "about:neterror", "about:reader", "about:nosuchpage", "javascript:1",
        "mailto:a@b", "view-source:https://a.com/", "ws://a.com/"}) {
    EXPECT_FALSE(MayBeInParent(*Url::Parse(url))) << url;
  }
}

TEST(WebContentCheck, EndsTheProgramWithALine) {
  const ProgramResult web = RunProgram({kVictim, "load", "https://a.com/x"});
  EXPECT_EQ(web.exit_code, -1) << web.how;
  EXPECT_EQ(web.errors, "web content in the parent process: https://a.com/x\n");
  EXPECT_EQ(web.output, "");

  const ProgramResult own = RunProgram({kVictim, "load", "about:config"});
  EXPECT_EQ(own.exit_code, 0) << own.how << own.errors;
  EXPECT_EQ(own.output, "went on\n");
}

TEST(WebContentCheck, AProcessOfTheParentsTypeOrABlanksIsNeverSelected) {
  for (const char* type : {"null", "prealloc"}) {
    const ProgramResult result = RunProgram({kVictim, "process", type});
    EXPECT_EQ(result.exit_code, -1) << result.how;
    EXPECT_THAT(result.errors, HasSubstr(type));
  }
  const ProgramResult result = RunProgram({kVictim, "process", "web"});
  EXPECT_EQ(result.exit_code, 0) << result.how;
}

}  // namespace
}  // namespace forkserver
