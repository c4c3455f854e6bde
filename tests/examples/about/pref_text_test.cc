// Prefs as text, and back through the parser of prefs files.
#include "examples/browser_host/about/pref_text.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "preload/prefs/prefs_parser.h"

namespace browser_host {
namespace {

using forkserver::ParsedPref;

// What a prefs file that consists of this statement sets.
std::vector<ParsedPref> Parsed(std::string_view name, AboutPrefKind kind, std::string_view value) {
  const absl::StatusOr<std::string> statement = UserPref(name, kind, value);
  EXPECT_TRUE(statement.ok()) << statement.status();
  std::vector<ParsedPref> all;
  forkserver::ParsePrefs(*statement, {.on_pref = [&](ParsedPref one) { all.push_back(one); },
                                      .on_error =
                                          [&](const forkserver::PrefSyntaxError& error) {
                                            ADD_FAILURE() << error.reason << ": " << *statement;
                                          }});
  return all;
}

TEST(PrefText, IsOneUserPrefWhateverItsBytesAre) {
  std::string bytes;
  for (int byte = 1; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (const std::string& text :
       {std::string("plain"), std::string(), bytes, std::string("\");user_pref(\"b\", true);//"),
        std::string("\\"), std::string("'\\\"\\u0041\\x41"), std::string("*/ /* // #"),
        std::string(kMaxPrefValueBytes, '\\')}) {
    const std::vector<ParsedPref> prefs = Parsed("a\"b", AboutPrefKind::kString, text);
    ASSERT_EQ(prefs.size(), 1u);
    EXPECT_EQ(prefs[0].name, "a\"b");
    EXPECT_EQ(prefs[0].kind, ParsedPref::Kind::kUser);
    EXPECT_EQ(prefs[0].value, forkserver::PrefValue(text));
    EXPECT_FALSE(prefs[0].locked);
  }
}

TEST(PrefText, NumbersAndBoolsAreNothingElse) {
  EXPECT_EQ(Parsed("a", AboutPrefKind::kInt, "-2147483648")[0].value,
            forkserver::PrefValue(INT32_MIN));
  EXPECT_EQ(Parsed("a", AboutPrefKind::kInt, "2147483647")[0].value,
            forkserver::PrefValue(INT32_MAX));
  EXPECT_EQ(Parsed("a", AboutPrefKind::kBool, "true")[0].value, forkserver::PrefValue(true));
  EXPECT_EQ(Parsed("a", AboutPrefKind::kBool, "false")[0].value, forkserver::PrefValue(false));
  const auto refused = [](AboutPrefKind kind, std::string_view value) {
    return std::string(UserPref("a", kind, value).status().message());
  };
  EXPECT_EQ(refused(AboutPrefKind::kInt, "2147483648"), "'2147483648' is no int of 32 bits");
  EXPECT_EQ(refused(AboutPrefKind::kInt, ""), "'' is no int of 32 bits");
  EXPECT_EQ(refused(AboutPrefKind::kInt, "1); lockPref(\"a\", 2"),
            "'1); lockPref(\"a\", 2' is no int of 32 bits");
  EXPECT_EQ(refused(AboutPrefKind::kInt, "1\n2"), "'1\\x0a2' is no int of 32 bits");
  EXPECT_EQ(refused(AboutPrefKind::kBool, "1"), "'1' is neither true nor false");
  EXPECT_EQ(refused(AboutPrefKind::kBool, "True"), "'True' is neither true nor false");
  EXPECT_EQ(refused(AboutPrefKind::kString, std::string("a\0b", 3)), "a NUL in it");
  EXPECT_EQ(refused(AboutPrefKind::kString, std::string(4097, 'a')), "4097 bytes, over 4096");
}

TEST(PrefText, NamesAreOneLineAndNotEmpty) {
  EXPECT_TRUE(CheckPrefName("browser.startup.page").ok());
  EXPECT_TRUE(CheckPrefName(std::string(1024, 'a')).ok());
  EXPECT_EQ(CheckPrefName("").message(), "a pref without a name");
  EXPECT_EQ(CheckPrefName(std::string(1025, 'a')).message(),
            "a pref's name of 1025 bytes, over 1024");
  EXPECT_EQ(CheckPrefName("a\nb").message(), "'a\\x0ab': a control character in a pref's name");
  EXPECT_EQ(CheckPrefName(std::string("a\0", 2)).message(),
            "'a\\x00': a control character in a pref's name");
}

TEST(PrefText, ShowsValuesAsTheyAreSet) {
  EXPECT_EQ(TextOfPref(true), "true");
  EXPECT_EQ(TextOfPref(false), "false");
  EXPECT_EQ(TextOfPref(INT32_MIN), "-2147483648");
  EXPECT_EQ(TextOfPref(std::string_view("a\"b")), "a\"b");
  EXPECT_EQ(KindName(KindOf(forkserver::PrefType::kBool)), "bool");
  EXPECT_EQ(KindName(KindOf(forkserver::PrefType::kInt)), "int");
  EXPECT_EQ(KindName(KindOf(forkserver::PrefType::kString)), "string");
}

}  // namespace
}  // namespace browser_host
