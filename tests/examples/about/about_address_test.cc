// What addresses of about:processes and about:config say.
#include "examples/browser_host/about/about_address.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/about/pref_text.h"

namespace browser_host {
namespace {

// "config filter[x] set[a=b int]", or the error.
std::string Said(std::string_view url) {
  const absl::StatusOr<AboutAddress> address = ParseAboutAddress(url);
  if (!address.ok()) return address.status().ToString();
  std::string said = address->page == AboutAddress::Page::kConfig ? "config" : "processes";
  if (!address->filter.empty()) absl::StrAppend(&said, " filter[", address->filter, "]");
  if (address->edit) {
    absl::StrAppend(&said, " set[", address->edit->name, "=", address->edit->value);
    if (address->edit->kind) {
      absl::StrAppend(&said, " ", std::string(KindName(*address->edit->kind)));
    }
    said += "]";
  }
  return said;
}

TEST(AboutAddress, NamesItsPage) {
  EXPECT_EQ(Said("about:processes"), "processes");
  EXPECT_EQ(Said("about:Processes?x#y"), "processes");
  EXPECT_EQ(Said("about:config"), "config");
  EXPECT_EQ(Said("about:config#set=a=b"), "config") << "a fragment says nothing";
  EXPECT_EQ(Said("about:config?"), "config");
  EXPECT_EQ(Said("about:memory"), "NOT_FOUND: about:memory: not shown here");
  EXPECT_EQ(Said("https://about:config/"), "NOT_FOUND: https://about:config/: not shown here");
  EXPECT_EQ(Said(""), "NOT_FOUND: : not shown here");
}

TEST(AboutAddress, FiltersByAKeyOrWithout) {
  EXPECT_EQ(Said("about:config?filter=dom.ipc"), "config filter[dom.ipc]");
  EXPECT_EQ(Said("about:config?dom.ipc"), "config filter[dom.ipc]");
  EXPECT_EQ(Said("about:config?filter=a%26b%3Dc+d"), "config filter[a&b=c+d]");
  EXPECT_EQ(Said("about:config?filter=set=a"), "config filter[set=a]");
}

TEST(AboutAddress, SetsAPref) {
  EXPECT_EQ(Said("about:config?set=a.b=true"), "config set[a.b=true]");
  EXPECT_EQ(Said("about:config?set=a.b="), "config set[a.b=]");
  EXPECT_EQ(Said("about:config?set=a=b=c"), "config set[a=b=c]") << "the first one ends the name";
  EXPECT_EQ(Said("about:config?set=a%3Db=c%26d%3D%25"), "config set[a=b=c&d=%]");
  EXPECT_EQ(Said("about:config?set=a=1&kind=int"), "config set[a=1 int]");
  EXPECT_EQ(Said("about:config?kind=string&set=a=1&filter=a"), "config filter[a] set[a=1 string]");
}

TEST(AboutAddress, ThatSaysNothingIsAnErrorByName) {
  EXPECT_EQ(Said("about:config?sett=a=b"),
            "INVALID_ARGUMENT: about:config: nothing is known of 'sett'");
  EXPECT_EQ(Said("about:config?set=a"), "INVALID_ARGUMENT: about:config: no value in set 'a'");
  EXPECT_EQ(Said("about:config?set=a=b&set=c=d"),
            "INVALID_ARGUMENT: about:config: a second set: 'c=d'");
  EXPECT_EQ(Said("about:config?set=a=%zz"),
            "INVALID_ARGUMENT: about:config: badly percent-encoded: '%zz'");
  EXPECT_EQ(Said("about:config?set=a=b%00"),
            "INVALID_ARGUMENT: about:config: badly percent-encoded: 'b%00'");
  EXPECT_EQ(Said("about:config?set=a=b&kind=float"),
            "INVALID_ARGUMENT: about:config: no such kind: 'float'");
  EXPECT_EQ(Said("about:config?kind=int"),
            "INVALID_ARGUMENT: about:config: nothing is set by 'kind=int'");
}

TEST(AboutAddress, OfAnEditReadsBackAsThatEdit) {
  for (const std::string& text : {std::string("plain"), std::string("a=b&c?d#e%f+g/h \"<>'"),
                                  std::string("\xc3\xa9\x01\x7f"), std::string()}) {
    for (const auto& kind :
         {std::optional<AboutPrefKind>(), std::optional<AboutPrefKind>(AboutPrefKind::kString)}) {
      const PrefEdit edit = {.name = "n" + text, .value = text, .kind = kind};
      const absl::StatusOr<AboutAddress> address = ParseAboutAddress(AddressOf(edit));
      ASSERT_TRUE(address.ok()) << address.status();
      ASSERT_TRUE(address->edit.has_value());
      EXPECT_EQ(address->edit->name, edit.name);
      EXPECT_EQ(address->edit->value, edit.value);
      EXPECT_EQ(address->edit->kind, edit.kind);
      EXPECT_EQ(address->filter, "");
    }
  }
}

}  // namespace
}  // namespace browser_host
