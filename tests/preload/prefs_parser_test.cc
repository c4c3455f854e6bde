#include "preload/prefs/prefs_parser.h"

#include <algorithm>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "preload/prefs/pref.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::TestParamInfo;
using ::testing::TestWithParam;
using ::testing::ValuesIn;

using namespace std::string_view_literals;

using Kind = ParsedPref::Kind;

struct Reading {
  std::vector<ParsedPref> prefs;
  std::vector<PrefSyntaxError> errors;
  std::vector<int> lines;  // of both, in the order in which they came
};

Reading Read(std::string_view text) {
  // A copy of exactly this size: AddressSanitizer sees a read behind the end.
  const std::vector<char> exact(text.begin(), text.end());
  Reading reading;
  ParsePrefs({exact.data(), exact.size()}, {.on_pref =
                                                [&reading](ParsedPref pref) {
                                                  reading.lines.push_back(pref.line);
                                                  reading.prefs.push_back(std::move(pref));
                                                },
                                            .on_error =
                                                [&reading](PrefSyntaxError error) {
                                                  reading.lines.push_back(error.line);
                                                  reading.errors.push_back(std::move(error));
                                                }});
  return reading;
}

std::vector<std::string> NamesIn(std::string_view text) {
  std::vector<std::string> names;
  for (const ParsedPref& pref : Read(text).prefs) names.push_back(pref.name);
  return names;
}

// Of text that is one good statement.
ParsedPref ReadOne(std::string_view text) {
  const Reading reading = Read(text);
  EXPECT_THAT(reading.errors, IsEmpty()) << text;
  EXPECT_THAT(reading.prefs, SizeIs(1)) << text;
  return reading.prefs.empty() ? ParsedPref() : reading.prefs[0];
}

PrefValue ValueOf(const std::string& value) {
  return ReadOne(absl::StrCat("pref('a', ", value, ");")).value;
}

auto ErrorAt(int line, std::string_view reason) {
  return AllOf(Field(&PrefSyntaxError::line, line),
               Field(&PrefSyntaxError::reason, std::string(reason)));
}

template <typename Row>
std::string RowName(const TestParamInfo<Row>& info) {
  return info.param.name;
}

// Keywords and attributes.

TEST(PrefsParser, PrefIsADefaultValueWithoutAttributes) {
  const ParsedPref pref = ReadOne("pref('a.b', 1);");
  EXPECT_EQ(pref.kind, Kind::kDefault);
  EXPECT_EQ(pref.name, "a.b");
  EXPECT_EQ(pref.value, PrefValue(1));
  EXPECT_FALSE(pref.sticky);
  EXPECT_FALSE(pref.locked);
  EXPECT_FALSE(pref.overrides_lock);
}

TEST(PrefsParser, UserPrefIsAUserValue) {
  const ParsedPref pref = ReadOne("user_pref('a.b', 1);");
  EXPECT_EQ(pref.kind, Kind::kUser);
  EXPECT_EQ(pref.name, "a.b");
  EXPECT_EQ(pref.value, PrefValue(1));
  EXPECT_FALSE(pref.sticky);
  EXPECT_FALSE(pref.locked);
  EXPECT_FALSE(pref.overrides_lock);
}

TEST(PrefsParser, StickyPrefIsAStickyDefaultValue) {
  const ParsedPref pref = ReadOne("sticky_pref('a.b', 1);");
  EXPECT_EQ(pref.kind, Kind::kDefault);
  EXPECT_TRUE(pref.sticky);
  EXPECT_FALSE(pref.locked);
  EXPECT_FALSE(pref.overrides_lock);
}

TEST(PrefsParser, LockPrefIsALockedDefaultValueThatOverridesALock) {
  const ParsedPref pref = ReadOne("lockPref('a.b', 1);");
  EXPECT_EQ(pref.kind, Kind::kDefault);
  EXPECT_FALSE(pref.sticky);
  EXPECT_TRUE(pref.locked);
  EXPECT_TRUE(pref.overrides_lock);
}

TEST(PrefsParser, TheAttributeLockedLocksAndDoesNotOverrideALock) {
  const ParsedPref pref = ReadOne("pref('a', 1, locked);");
  EXPECT_TRUE(pref.locked);
  EXPECT_FALSE(pref.overrides_lock);
  EXPECT_FALSE(pref.sticky);
}

TEST(PrefsParser, TheAttributeStickyMakesSticky) {
  const ParsedPref pref = ReadOne("pref('a', 1, sticky);");
  EXPECT_TRUE(pref.sticky);
  EXPECT_FALSE(pref.locked);
}

TEST(PrefsParser, AttributesComeInEitherOrder) {
  for (const char* text : {"pref('a', 1, sticky, locked);", "pref('a', 1, locked, sticky);"}) {
    const ParsedPref pref = ReadOne(text);
    EXPECT_TRUE(pref.sticky) << text;
    EXPECT_TRUE(pref.locked) << text;
  }
}

TEST(PrefsParser, AnAttributeMayBeGivenTwice) {
  EXPECT_TRUE(ReadOne("pref('a', 1, sticky, sticky);").sticky);
}

TEST(PrefsParser, AStickyPrefCanBeLockedByAttribute) {
  const ParsedPref pref = ReadOne("sticky_pref('a', 1, locked);");
  EXPECT_TRUE(pref.sticky);
  EXPECT_TRUE(pref.locked);
}

TEST(PrefsParser, ALockPrefCanBeStickyByAttribute) {
  const ParsedPref pref = ReadOne("lockPref('a', 1, sticky);");
  EXPECT_TRUE(pref.sticky);
  EXPECT_TRUE(pref.overrides_lock);
}

TEST(PrefsParser, AttributesFollowValuesOfEveryType) {
  EXPECT_TRUE(ReadOne("pref('a', true, locked);").locked);
  EXPECT_TRUE(ReadOne("pref('a', -1, locked);").locked);
  EXPECT_TRUE(ReadOne("pref('a', 'locked', locked);").locked);
}

// Values.

TEST(PrefsParser, TrueAndFalseAreBools) {
  EXPECT_EQ(ValueOf("true"), PrefValue(true));
  EXPECT_EQ(ValueOf("false"), PrefValue(false));
}

TEST(PrefsParser, AQuotedBoolOrIntIsAString) {
  EXPECT_EQ(ValueOf("'true'"), PrefValue("true"));
  EXPECT_EQ(ValueOf("'1'"), PrefValue("1"));
}

struct IntRow {
  const char* name;
  const char* text;
  int32_t value;
};
void PrintTo(const IntRow& row, std::ostream* out) { *out << row.text; }

class PrefsParserInt : public TestWithParam<IntRow> {};

TEST_P(PrefsParserInt, IsRead) { EXPECT_EQ(ValueOf(GetParam().text), PrefValue(GetParam().value)); }

constexpr IntRow kInts[] = {
    {"Zero", "0", 0},
    {"MinusZero", "-0", 0},
    {"PlusZero", "+0", 0},
    {"One", "1", 1},
    {"PlusOne", "+1", 1},
    {"MinusOne", "-1", -1},
    {"LeadingZeroesAreNotOctal", "0010", 10},
    {"MoreZeroesThanDigitsFit", "000000000000000000000000000007", 7},
    {"SignAndBlank", "-  5", -5},
    {"SignAndComment", "-/* five */5", -5},
    {"OneBelowTheMaximum", "2147483646", INT32_MAX - 1},
    {"TheMaximum", "2147483647", INT32_MAX},
    {"TheMaximumWithASign", "+2147483647", INT32_MAX},
    {"OneAboveTheMinimum", "-2147483647", INT32_MIN + 1},
    {"TheMinimum", "-2147483648", INT32_MIN},
};
INSTANTIATE_TEST_SUITE_P(Ints, PrefsParserInt, ValuesIn(kInts), RowName<IntRow>);

TEST(PrefsParser, BothQuotesMakeStrings) {
  EXPECT_EQ(ValueOf("\"text\""), PrefValue("text"));
  EXPECT_EQ(ValueOf("'text'"), PrefValue("text"));
}

TEST(PrefsParser, AStringMayBeEmpty) {
  EXPECT_EQ(ValueOf("\"\""), PrefValue(""));
  EXPECT_EQ(ValueOf("''"), PrefValue(""));
}

TEST(PrefsParser, TheOtherQuoteIsTextInAString) {
  EXPECT_EQ(ValueOf("\"it's\""), PrefValue("it's"));
  EXPECT_EQ(ValueOf("'say \"x\"'"), PrefValue("say \"x\""));
}

TEST(PrefsParser, CommentsAndPunctuationAreTextInAString) {
  EXPECT_EQ(ValueOf("'// # /* */ ); pref(1, 2);'"), PrefValue("// # /* */ ); pref(1, 2);"));
}

TEST(PrefsParser, BytesBeyondAsciiAreKeptAsTheyAre) {
  EXPECT_EQ(ValueOf("'\xC3\xA9 \xFF\x80\x01\x7F'"), PrefValue("\xC3\xA9 \xFF\x80\x01\x7F"));
}

TEST(PrefsParser, AStringMayBeAMebibyteLong) {
  const std::string text(1024 * 1024, 'x');
  EXPECT_EQ(ValueOf(absl::StrCat("'", text, "'")), PrefValue(text));
}

TEST(PrefsParser, ANameMayBeInEitherQuotesAndHaveEscapes) {
  EXPECT_EQ(ReadOne("pref(\"a.b\", 1);").name, "a.b");
  EXPECT_EQ(ReadOne(R"(pref('a\x2eb\u00e9', 1);)").name, "a.b\xC3\xA9");
}

struct GoodEscapeRow {
  const char* name;
  const char* text;
  std::string_view value;
};
void PrintTo(const GoodEscapeRow& row, std::ostream* out) { *out << row.text; }

class PrefsParserEscape : public TestWithParam<GoodEscapeRow> {};

TEST_P(PrefsParserEscape, IsReadInBothQuotes) {
  const PrefValue value = std::string(GetParam().value);
  EXPECT_EQ(ValueOf(absl::StrCat("'", GetParam().text, "'")), value);
  EXPECT_EQ(ValueOf(absl::StrCat("\"", GetParam().text, "\"")), value);
}

constexpr GoodEscapeRow kGoodEscapes[] = {
    {"Newline", R"(\n)", "\n"},
    {"Return", R"(\r)", "\r"},
    {"DoubleQuote", R"(\")", "\""},
    {"SingleQuote", R"(\')", "'"},
    {"Backslash", R"(\\)", "\\"},
    {"BackslashThenN", R"(\\n)", "\\n"},
    {"AmidText", R"(a\nb\\c)", "a\nb\\c"},
    {"HexLowest", R"(\x01)", "\x01"},
    {"HexAscii", R"(\x41)", "A"},
    {"HexLowerCaseDigits", R"(\xe9)", "\xE9"},
    {"HexUpperCaseDigits", R"(\xE9)", "\xE9"},
    {"HexLastOfOneByte", R"(\x7f)", "\x7F"},
    {"HexAboveAscii", R"(\x80)", "\x80"},
    {"HexHighest", R"(\xff)", "\xFF"},
    {"HexTakesTwoDigits", R"(\x414)", "A4"},
    {"UnicodeLowest", R"(\u0001)", "\x01"},
    {"UnicodeAscii", R"(\u0041)", "A"},
    {"UnicodeLastOfOneByte", R"(\u007F)", "\x7F"},
    {"UnicodeFirstOfTwoBytes", R"(\u0080)", "\xC2\x80"},
    {"UnicodeLastOfTwoBytes", R"(\u07fF)", "\xDF\xBF"},
    {"UnicodeFirstOfThreeBytes", R"(\u0800)", "\xE0\xA0\x80"},
    {"UnicodeEuro", R"(\u20AC)", "\xE2\x82\xAC"},
    {"UnicodeLastBelowTheSurrogates", R"(\uD7FF)", "\xED\x9F\xBF"},
    {"UnicodeFirstAboveTheSurrogates", R"(\uE000)", "\xEE\x80\x80"},
    {"UnicodeLastOfThreeBytes", R"(\uFFFF)", "\xEF\xBF\xBF"},
    {"UnicodeTakesFourDigits", R"(\u00e9e)", "\xC3\xA9\x65"},
    {"SurrogatesLowest", R"(\uD800\uDC00)", "\xF0\x90\x80\x80"},
    {"SurrogatesInLowerCase", R"(\ud83d\ude00)", "\xF0\x9F\x98\x80"},
    {"SurrogatesHighest", R"(\uDBFF\uDFFF)", "\xF4\x8F\xBF\xBF"},
    {"SurrogatesTwice", R"(\uD83D\uDE00\uD83D\uDE00)", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80"},
};
INSTANTIATE_TEST_SUITE_P(Escapes, PrefsParserEscape, ValuesIn(kGoodEscapes),
                         RowName<GoodEscapeRow>);

struct BadEscapeRow {
  const char* name;
  std::string_view text;
  const char* reason;
};
void PrintTo(const BadEscapeRow& row, std::ostream* out) { *out << row.text; }

class PrefsParserBadEscape : public TestWithParam<BadEscapeRow> {};

TEST_P(PrefsParserBadEscape, IsAnErrorOfItsLineAndTheNextStatementIsRead) {
  const std::string text =
      absl::StrCat("\npref('a', 'x", std::string(GetParam().text), "');\npref('next', 1);");
  const Reading reading = Read(text);
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(2, GetParam().reason)));
  EXPECT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::name, "next")));
}

constexpr BadEscapeRow kBadEscapes[] = {
    {"UnknownLetter", R"(\a)", "unexpected character after '\\'"},
    {"Tab", R"(\t)", "unexpected character after '\\'"},
    {"Octal", R"(\101)", "unexpected character after '\\'"},
    {"Zero", R"(\0)", "unexpected character after '\\'"},
    {"Blank", R"(\ )", "unexpected character after '\\'"},
    {"UpperCaseN", R"(\N)", "unexpected character after '\\'"},
    {"UpperCaseX", R"(\X41)", "unexpected character after '\\'"},
    {"UpperCaseU", R"(\U0041)", "unexpected character after '\\'"},
    {"Braces", R"(\u{41})", "malformed \\u escape"},
    {"EndOfLine", "\\\n", "unexpected character after '\\'"},
    {"NulByte", "\\\0"sv, "unexpected character after '\\'"},
    {"HexWithoutDigits", R"(\x)", "malformed \\x escape"},
    {"HexWithOneDigit", R"(\x4)", "malformed \\x escape"},
    {"HexFirstDigitBad", R"(\xg1)", "malformed \\x escape"},
    {"HexSecondDigitBad", R"(\x1G)", "malformed \\x escape"},
    {"HexSign", R"(\x-1)", "malformed \\x escape"},
    {"HexNul", R"(\x00)", "\\x00 is not allowed"},
    {"UnicodeWithoutDigits", R"(\u)", "malformed \\u escape"},
    {"UnicodeWithThreeDigits", R"(\u123)", "malformed \\u escape"},
    {"UnicodeFirstDigitBad", R"(\uz123)", "malformed \\u escape"},
    {"UnicodeLastDigitBad", R"(\u123z)", "malformed \\u escape"},
    {"UnicodeNul", R"(\u0000)", "\\u0000 is not allowed"},
    {"LowestLowSurrogateAlone", R"(\uDC00)", "low surrogate without a high one"},
    {"HighestLowSurrogateAlone", R"(\udfff)", "low surrogate without a high one"},
    {"LowestHighSurrogateAlone", R"(\uD800)", "high surrogate without a low one"},
    {"HighestHighSurrogateAlone", R"(\udbff)", "high surrogate without a low one"},
    {"HighSurrogateAndText", R"(\uD800x)", "high surrogate without a low one"},
    {"HighSurrogateAndAnotherEscape", R"(\uD800\n)", "high surrogate without a low one"},
    {"HighSurrogateAndAHex", R"(\uD800\xDC)", "high surrogate without a low one"},
    {"HighSurrogateTwice", R"(\uD800\uD800)", "high surrogate without a low one"},
    {"HighSurrogateAndACharacter", R"(\uD800\u0041)", "high surrogate without a low one"},
    {"HighSurrogateAndOneAboveTheLow", R"(\uD800\uE000)", "high surrogate without a low one"},
    {"HighSurrogateAndAMalformedLow", R"(\uD800\uDC0)", "malformed \\u escape"},
    {"SurrogatesInTheWrongOrder", R"(\uDC00\uD800)", "low surrogate without a high one"},
};
INSTANTIATE_TEST_SUITE_P(BadEscapes, PrefsParserBadEscape, ValuesIn(kBadEscapes),
                         RowName<BadEscapeRow>);

TEST(PrefsParser, ABadEscapeInANameIsAnErrorToo) {
  EXPECT_THAT(Read(R"(pref('a\q', 1);)").errors,
              ElementsAre(ErrorAt(1, "unexpected character after '\\'")));
}

TEST(PrefsParser, AnEscapeThatTheTextEndsInIsAnError) {
  EXPECT_THAT(Read("pref('a', 'x\\").errors, ElementsAre(ErrorAt(1, "unterminated string")));
  EXPECT_THAT(Read("pref('a', 'x\\x4").errors, ElementsAre(ErrorAt(1, "malformed \\x escape")));
  EXPECT_THAT(Read("pref('a', 'x\\u004").errors, ElementsAre(ErrorAt(1, "malformed \\u escape")));
  EXPECT_THAT(Read("pref('a', 'x\\uD800\\").errors,
              ElementsAre(ErrorAt(1, "high surrogate without a low one")));
}

// Lines, blanks and comments.

TEST(PrefsParser, AStringMayRunOverSeveralLines) {
  EXPECT_EQ(ValueOf("'one\ntwo\r\n\nfour'"), PrefValue("one\ntwo\r\n\nfour"));
}

TEST(PrefsParser, LinesAreCountedThroughAString) {
  const Reading reading = Read("pref('a', 'one\ntwo\nthree');\npref('b', 1);\nnonsense;");
  EXPECT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::line, 1), Field(&ParsedPref::line, 4)));
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(5, "unknown keyword 'nonsense'")));
}

TEST(PrefsParser, AnEscapedNewlineIsNotALine) {
  EXPECT_THAT(Read("pref('a', 'one\\ntwo');\npref('b', 1);").prefs,
              ElementsAre(Field(&ParsedPref::line, 1), Field(&ParsedPref::line, 2)));
}

TEST(PrefsParser, APrefHasTheLineOfItsKeyword) {
  EXPECT_EQ(ReadOne("\n\npref\n(\n'a'\n,\n1\n)\n;\n").line, 3);
}

TEST(PrefsParser, BlanksMayBeLeftOut) {
  EXPECT_THAT(NamesIn("pref('a',1);user_pref('b',-1);pref('c','',sticky,locked);"),
              ElementsAre("a", "b", "c"));
}

TEST(PrefsParser, BlanksOfEveryKindMayStandBetweenTokens) {
  const ParsedPref pref = ReadOne("\t \v\f\r\npref\t(\v'a'\f,\r-\n1 ,\tsticky\v)\f;\r\n");
  EXPECT_EQ(pref.value, PrefValue(-1));
  EXPECT_TRUE(pref.sticky);
}

TEST(PrefsParser, CrLfEndsOneLine) {
  const Reading reading = Read("pref('a', 1);\r\n// comment\r\npref('b', 2);\r\nnonsense;\r\n");
  EXPECT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::line, 1), Field(&ParsedPref::line, 3)));
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(4, "unknown keyword 'nonsense'")));
}

TEST(PrefsParser, CommentsOfEveryKindMayStandBetweenTokens) {
  for (const char* comment : {"// one\n", "# one\n", "/* one */", "/* one\n two */", "/**/"}) {
    const std::string text = absl::StrCat(comment, "pref", comment, "(", comment, "'a'", comment,
                                          ",", comment, "-", comment, "1", comment, ",", comment,
                                          "locked", comment, ")", comment, ";", comment);
    const ParsedPref pref = ReadOne(text);
    EXPECT_EQ(pref.value, PrefValue(-1)) << comment;
    EXPECT_TRUE(pref.locked) << comment;
  }
}

TEST(PrefsParser, NothingInACommentIsRead) {
  EXPECT_THAT(NamesIn("// pref('a', 1);\n# pref('b', 1);\n/* pref('c', 1);\npref('d', 1); */"
                      "pref('e', 1); // pref('f', 1);"),
              ElementsAre("e"));
}

TEST(PrefsParser, AQuoteInACommentOpensNoString) {
  EXPECT_THAT(NamesIn("// don't\n# don't\n/* don't \" */ pref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, ALineCommentInABlockCommentDoesNotHideItsEnd) {
  EXPECT_THAT(NamesIn("/* // # */ pref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, ABlockCommentInALineCommentOpensNothing) {
  EXPECT_THAT(NamesIn("// /*\n# /*\npref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, BlockCommentsDoNotNest) {
  EXPECT_THAT(NamesIn("/* /* */ pref('a', 1); /***/ pref('b', 1);"), ElementsAre("a", "b"));
}

TEST(PrefsParser, ABlockCommentIsNotClosedByTheStarThatOpensIt) {
  EXPECT_THAT(NamesIn("/*/ pref('a', 1); */ pref('b', 1);"), ElementsAre("b"));
}

TEST(PrefsParser, LinesAreCountedThroughComments) {
  EXPECT_EQ(ReadOne("// 1\n# 2\n/* 3\n4\r\n5 */ /*\n*/ pref('a', 1);").line, 6);
}

TEST(PrefsParser, ACommentMayEndTheTextWithoutANewline) {
  for (const char* text : {"pref('a', 1); // end", "pref('a', 1); # end", "pref('a', 1); /* end */",
                           "pref('a', 1); //", "pref('a', 1); #", "pref('a', 1); /**/"}) {
    EXPECT_EQ(ReadOne(text).name, "a") << text;
  }
}

TEST(PrefsParser, AStatementMayEndTheTextWithoutANewline) {
  EXPECT_EQ(ReadOne("pref('a', 1);").name, "a");
}

TEST(PrefsParser, TextWithoutStatementsIsFine) {
  for (const char* text : {"", "\n", " \t\r\n\v\f", "// only\n", "# only", "/* only\n */"}) {
    const Reading reading = Read(text);
    EXPECT_THAT(reading.prefs, IsEmpty()) << text;
    EXPECT_THAT(reading.errors, IsEmpty()) << text;
  }
}

TEST(PrefsParser, AByteOrderMarkAtTheStartIsSkipped) {
  EXPECT_EQ(ReadOne("\xEF\xBB\xBFpref('a', 1);").name, "a");
  EXPECT_THAT(Read("\xEF\xBB\xBF").errors, IsEmpty());
}

TEST(PrefsParser, AByteOrderMarkElsewhereIsAStrayByte) {
  EXPECT_THAT(Read("pref('a', 1);\n\xEF\xBB\xBFpref('b', 1);").errors,
              ElementsAre(ErrorAt(2, "unexpected byte 0xef")));
  EXPECT_THAT(Read("\xEF\xBB\xBF\xEF\xBB\xBFpref('b', 1);").errors,
              ElementsAre(ErrorAt(1, "unexpected byte 0xef")));
}

TEST(PrefsParser, HalfAByteOrderMarkIsAStrayByte) {
  EXPECT_THAT(Read("\xEF\xBB").errors, ElementsAre(ErrorAt(1, "unexpected byte 0xef")));
}

TEST(PrefsParser, PrefsComeInTheOrderOfTheText) {
  EXPECT_THAT(NamesIn("pref('b', 1); user_pref('a', 1); pref('b', 2);"),
              ElementsAre("b", "a", "b"));
}

// Malformed statements: each is one error, and the statement behind it is read.

struct MalformedRow {
  const char* name;
  std::string_view text;  // with the `;` behind which reading resumes
  int line;
  const char* reason;
};
void PrintTo(const MalformedRow& row, std::ostream* out) { *out << row.text; }

class PrefsParserMalformed : public TestWithParam<MalformedRow> {};

TEST_P(PrefsParserMalformed, IsOneErrorWithLineAndReasonAndTheNextStatementIsRead) {
  const std::string text = absl::StrCat(std::string(GetParam().text), "pref('next', 1);");
  const Reading reading = Read(text);
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(GetParam().line, GetParam().reason)));
  EXPECT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::name, "next")));
}

constexpr char kNoKeyword[] = "expected pref, user_pref, sticky_pref or lockPref";
constexpr char kNoParenthesis[] = "expected '(' after the keyword";
constexpr char kNoName[] = "expected the pref's name in quotes after '('";
constexpr char kNoComma[] = "expected ',' after the pref's name";
constexpr char kNoValue[] = "expected a value: true, false, integer or string";
constexpr char kNoIntAfterSign[] = "expected an integer after the sign";
constexpr char kTooLarge[] = "integer does not fit in 32 bits";
constexpr char kBadInt[] = "unexpected character in integer";
constexpr char kNoClose[] = "expected ',' or ')' after the value";
constexpr char kNoAttribute[] = "expected the attribute sticky or locked";
constexpr char kUserAttribute[] = "a user_pref has no attributes";
constexpr char kNoSemicolon[] = "expected ';' after ')'";

constexpr MalformedRow kMalformed[] = {
    {"KeywordMissing", "('a', 1);", 1, kNoKeyword},
    {"OnlyASemicolon", ";", 1, kNoKeyword},
    {"SemicolonTwice", "\n;", 2, kNoKeyword},
    {"StringForAKeyword", "'pref'('a', 1);", 1, kNoKeyword},
    {"IntForAKeyword", "1('a', 1);", 1, kNoKeyword},
    {"KeywordUnknown", "perf('a', 1);", 1, "unknown keyword 'perf'"},
    {"KeywordOfAnotherCase", "Pref('a', 1);", 1, "unknown keyword 'Pref'"},
    {"LockPrefInLowerCase", "lockpref('a', 1);", 1, "unknown keyword 'lockpref'"},
    {"KeywordLonger", "prefs('a', 1);", 1, "unknown keyword 'prefs'"},
    {"KeywordWithADigit", "pref1('a', 1);", 1, "unknown keyword 'pref1'"},
    {"KeywordWithAnUnderscore", "_pref('a', 1);", 1, "unknown keyword '_pref'"},
    {"BoolForAKeyword", "true('a', 1);", 1, "unknown keyword 'true'"},
    {"AttributeForAKeyword", "sticky('a', 1);", 1, "unknown keyword 'sticky'"},
    {"KeywordOnly", "pref;", 1, kNoParenthesis},
    {"KeywordTwice", "pref pref('a', 1);", 1, kNoParenthesis},
    {"OpeningParenthesisMissing", "pref 'a', 1);", 1, kNoParenthesis},
    {"NameMissing", "pref(, 1);", 1, kNoName},
    {"ParenthesesEmpty", "pref();", 1, kNoName},
    {"ParenthesisTwice", "pref(('a', 1);", 1, kNoName},
    {"NameWithoutQuotes", "pref(a.b, 1);", 1, kNoName},
    {"NameABool", "pref(true, 1);", 1, kNoName},
    {"NameAnInt", "pref(1, 1);", 1, kNoName},
    {"ValueMissingAndItsComma", "pref('a');", 1, kNoComma},
    {"CommaMissing", "pref('a' 1);", 1, kNoComma},
    {"NameInTwoParts", "pref('a' 'b', 1);", 1, kNoComma},
    {"ColonForAComma", "pref('a': 1);", 1, "unexpected character ':'"},
    {"ValueMissing", "pref('a', );", 1, kNoValue},
    {"CommaTwice", "pref('a',, 1);", 1, kNoValue},
    {"ValueUnknownWord", "pref('a', yes);", 1, kNoValue},
    {"BoolInUpperCase", "pref('a', TRUE);", 1, kNoValue},
    {"BoolLonger", "pref('a', true1);", 1, kNoValue},
    {"Null", "pref('a', null);", 1, kNoValue},
    {"AttributeForAValue", "pref('a', sticky);", 1, kNoValue},
    {"FloatingPoint", "pref('a', 1.5);", 1, "unexpected character '.'"},
    {"FloatingPointWithoutAZero", "pref('a', .5);", 1, "unexpected character '.'"},
    {"Hexadecimal", "pref('a', 0x10);", 1, kBadInt},
    {"Exponent", "pref('a', 1e3);", 1, kBadInt},
    {"IntWithAnUnderscore", "pref('a', 1_000);", 1, kBadInt},
    {"IntWithALetterBehindTheSign", "pref('a', -1a);", 1, kBadInt},
    {"SignOnly", "pref('a', -);", 1, kNoIntAfterSign},
    {"SignTwice", "pref('a', --1);", 1, kNoIntAfterSign},
    {"BothSigns", "pref('a', +-1);", 1, kNoIntAfterSign},
    {"SignOfABool", "pref('a', -true);", 1, kNoIntAfterSign},
    {"SignOfAString", "pref('a', +'1');", 1, kNoIntAfterSign},
    {"OneAboveTheMaximum", "pref('a', 2147483648);", 1, kTooLarge},
    {"OneAboveTheMaximumWithASign", "pref('a', +2147483648);", 1, kTooLarge},
    {"OneBelowTheMinimum", "pref('a', -2147483649);", 1, kTooLarge},
    {"TheUnsignedMaximum", "pref('a', 4294967295);", 1, kTooLarge},
    {"OneThatWrapsToZeroIn32Bits", "pref('a', 4294967296);", 1, kTooLarge},
    {"OneThatWrapsToZeroIn64Bits", "pref('a', 18446744073709551616);", 1, kTooLarge},
    {"FortyDigits", "pref('a', -1234567890123456789012345678901234567890);", 1, kTooLarge},
    {"TwoValues", "pref('a', 1 2);", 1, kNoClose},
    {"TwoStrings", "pref('a', 'x' 'y');", 1, kNoClose},
    {"ClosingParenthesisMissing", "pref('a', 1;", 1, kNoClose},
    {"Sum", "pref('a', 1 + 1);", 1, kNoClose},
    {"AttributeWithoutAComma", "pref('a', 1 sticky);", 1, kNoClose},
    {"SecondAttributeWithoutAComma", "pref('a', 1, sticky locked);", 1, kNoClose},
    {"AttributeMissing", "pref('a', 1, );", 1, kNoAttribute},
    {"AttributeMissingAtTheEnd", "pref('a', 1, sticky, );", 1, kNoAttribute},
    {"AttributeUnknown", "pref('a', 1, frozen);", 1, kNoAttribute},
    {"AttributeOfAnotherCase", "pref('a', 1, Sticky);", 1, kNoAttribute},
    {"AttributeInQuotes", "pref('a', 1, 'sticky');", 1, kNoAttribute},
    {"UserPrefSticky", "user_pref('a', 1, sticky);", 1, kUserAttribute},
    {"UserPrefLocked", "user_pref('a', 1, locked);", 1, kUserAttribute},
    {"UserPrefWithACommaTooMany", "user_pref('a', 1, );", 1, kUserAttribute},
    {"SemicolonMissing", "pref('a', 1)\npref('b', 2);", 2, kNoSemicolon},
    {"ParenthesisTooMany", "pref('a', 1));", 1, kNoSemicolon},
    {"CommaForASemicolon", "pref('a', 1),;", 1, kNoSemicolon},
    {"WordBeforeTheSemicolon", "pref('a', 1) sticky;", 1, kNoSemicolon},
    {"StrayAt", "@;", 1, "unexpected character '@'"},
    {"StrayBackslash", "pref('a', \\n);", 1, "unexpected character '\\'"},
    {"StrayBracket", "pref('a', 1];", 1, "unexpected character ']'"},
    {"StrayBacktick", "pref(`a`, 1);", 1, "unexpected character '`'"},
    {"StrayEqualsSign", "pref = 1;", 1, "unexpected character '='"},
    {"StraySlash", "/ pref('a', 1);", 1, "unexpected character '/'"},
    {"SlashAndBackslash", "/\\ pref('a', 1);", 1, "unexpected character '/'"},
    {"StrayStarAndSlash", "*/ pref('a', 1);", 1, "unexpected character '*'"},
    {"StrayTilde", "~;", 1, "unexpected character '~'"},
    {"StrayDelete", "\x7F;", 1, "unexpected byte 0x7f"},
    {"StrayControlByte", "pref(\x01'a', 1);", 1, "unexpected byte 0x01"},
    {"StrayNul", "pref('a'\0, 1);"sv, 1, "unexpected byte 0x00"},
    {"StrayNulAtTheStart", "\0pref('a', 1);"sv, 1, "unexpected byte 0x00"},
    {"StrayByteAboveAscii", "pref('a', \xFF);", 1, "unexpected byte 0xff"},
    {"StrayUtf8",
     "pr\xC3\xA9"
     "f('a', 1);",
     1, "unknown keyword 'pr'"},
    {"NoBreakSpace", "\xC2\xA0pref('a', 1);", 1, "unexpected byte 0xc2"},
    {"NulInAString", "pref('a', 'x\0y');"sv, 1, "NUL byte in string"},
    {"NulInAName", "pref('a\0b', 1);"sv, 1, "NUL byte in string"},
    {"BadTokenOnALaterLine", "pref(\n'a',\n@);", 3, "unexpected character '@'"},
    {"WrongTokenOnALaterLine", "pref(\n'a'\n\n1);", 4, kNoComma},
    {"IntTooLargeOnALaterLine", "pref('a', -\n2147483649);", 2, kTooLarge},
    {"BehindAStringOfThreeLines", "pref('a', 'one\ntwo\nthree' nonsense);", 3, kNoClose},
    {"BehindACommentOfTwoLines", "/*\n*/ nonsense;", 2, "unknown keyword 'nonsense'"},
    {"BehindLineComments", "// one\n# two\nnonsense;", 3, "unknown keyword 'nonsense'"},
    {"BehindCrLf", "\r\n\r\nnonsense;", 3, "unknown keyword 'nonsense'"},
    {"BadStringOnALaterLine", "pref('a',\n'x\\q');", 2, "unexpected character after '\\'"},
    {"BadStringHasTheLineThatItOpensOn", "pref('a', 'one\ntwo\\q'\n);", 1,
     "unexpected character after '\\'"},
};
INSTANTIATE_TEST_SUITE_P(Statements, PrefsParserMalformed, ValuesIn(kMalformed),
                         RowName<MalformedRow>);

TEST(PrefsParser, EveryByteThatStartsNoTokenIsAnError) {
  constexpr std::string_view kStartsAToken = "(),;+-\"'#/_ \t\r\n\v\f";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool letter_or_digit = byte < 128 && isalnum(byte) != 0;
    if (letter_or_digit || kStartsAToken.find(c) != kStartsAToken.npos) continue;
    const Reading reading = Read(std::string("pref('a', 1") + c + ");\npref('b', 1);");
    ASSERT_THAT(reading.errors, SizeIs(1)) << "byte " << byte;
    ASSERT_THAT(reading.errors[0].reason, testing::StartsWith("unexpected ")) << "byte " << byte;
    ASSERT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::name, "b"))) << "byte " << byte;
  }
}

TEST(PrefsParser, AStatementThatTheTextEndsInIsAnErrorOfTheLastLine) {
  for (const char* text : {"\npref", "\npref(", "\npref('a'", "\npref('a',", "\npref('a', 1",
                           "\npref('a', -", "\npref('a', 1,", "\npref('a', 1)"}) {
    const Reading reading = Read(text);
    EXPECT_THAT(reading.prefs, IsEmpty()) << text;
    EXPECT_THAT(reading.errors, ElementsAre(Field(&PrefSyntaxError::line, 2))) << text;
  }
}

// Recovery.

TEST(PrefsParser, ResumesBehindTheNextSemicolonAfterAMalformedLine) {
  const Reading reading = Read("pref('a', 1);\npref('b' 2);\npref('c', 3);");
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(2, kNoComma)));
  EXPECT_THAT(reading.prefs,
              ElementsAre(Field(&ParsedPref::name, "a"), Field(&ParsedPref::name, "c")));
}

TEST(PrefsParser, ResumesOnTheSameLineBehindTheSemicolon) {
  EXPECT_THAT(NamesIn("nonsense; pref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, EveryMalformedLineIsReportedOnceAtItsOwnLine) {
  EXPECT_THAT(Read("nonsense;\npref('a', 1);\npref(1);\n\npref('b', x y z 1 2 3);\n;").errors,
              ElementsAre(ErrorAt(1, "unknown keyword 'nonsense'"), ErrorAt(3, kNoName),
                          ErrorAt(5, kNoValue), ErrorAt(6, kNoKeyword)));
}

TEST(PrefsParser, LinesAreCountedThroughWhatIsSkipped) {
  const Reading reading = Read("nonsense\n'quoted'\n/*\n*/ // comment\n\n;\npref('a', 1);\n@;");
  EXPECT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::line, 7)));
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(1, "unknown keyword 'nonsense'"),
                                          ErrorAt(8, "unexpected character '@'")));
}

TEST(PrefsParser, ASemicolonInAStringDoesNotEndWhatIsSkipped) {
  EXPECT_THAT(NamesIn("nonsense \"; pref('evil', 1);\" ; pref('a', 1);"), ElementsAre("a"));
  EXPECT_THAT(NamesIn("nonsense '; pref(\"evil\", 1);' ; pref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, ASemicolonInTheStringThatIsBadDoesNotEndWhatIsSkipped) {
  EXPECT_THAT(NamesIn("pref('a', \"\\q; pref('evil', 1);\"); pref('b', 1);"), ElementsAre("b"));
}

TEST(PrefsParser, AnEscapedQuoteDoesNotCloseAStringThatIsSkipped) {
  EXPECT_THAT(NamesIn(R"(nonsense "\"; pref('evil', 1);" ; pref('a', 1);)"), ElementsAre("a"));
  EXPECT_THAT(NamesIn(R"(nonsense '\'; pref("evil", 1);' ; pref('a', 1);)"), ElementsAre("a"));
}

TEST(PrefsParser, AnEscapedBackslashDoesNotKeepAStringThatIsSkippedOpen) {
  EXPECT_THAT(NamesIn(R"(nonsense '\\'; pref('a', 1);)"), ElementsAre("a"));
}

TEST(PrefsParser, ASemicolonInACommentDoesNotEndWhatIsSkipped) {
  EXPECT_THAT(NamesIn("nonsense // ; pref('evil', 1);\n; pref('a', 1);"), ElementsAre("a"));
  EXPECT_THAT(NamesIn("nonsense # ; pref('evil', 1);\n; pref('a', 1);"), ElementsAre("a"));
  EXPECT_THAT(NamesIn("nonsense /* ;\n pref('evil', 1); */ ; pref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, AQuoteInACommentThatIsSkippedOpensNothing) {
  EXPECT_THAT(NamesIn("nonsense // don't\n; pref('a', 1); // don't"), ElementsAre("a"));
  EXPECT_THAT(NamesIn("nonsense /* \" */; pref('a', 1); /* \" */"), ElementsAre("a"));
}

TEST(PrefsParser, ACommentMarkInAStringThatIsSkippedHidesNothing) {
  EXPECT_THAT(NamesIn("nonsense '// /* #'; pref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, NothingQuotedOnOneLineBecomesAStatementWhateverIsAddedToTheLine) {
  constexpr std::string_view kLine =
      R"(pref("a", "; pref('evil', 1); \"; pref('evil', 2);", sticky);)";
  for (size_t at = 0; at <= kLine.size(); ++at) {
    if (kLine.substr(0, at).ends_with('\\')) continue;  // the quote would not be escaped any more
    for (const char stray : {'@', '(', ')', ',', '-', '1', 'x', ' ', '\x80', '\0'}) {
      std::string line(kLine);
      line.insert(at, 1, stray);
      ASSERT_THAT(NamesIn(line), testing::Not(testing::Contains("evil"))) << line;
    }
  }
}

TEST(PrefsParser, NothingQuotedOnOneLineBecomesAStatementWhateverTheLineLacks) {
  constexpr std::string_view kLine = R"(pref("a", "; pref('evil', 1); ;", sticky);)";
  for (size_t at = 0; at < kLine.size(); ++at) {
    if (kLine[at] == '"') continue;  // what was quoted would not be any more
    std::string line(kLine);
    line.erase(at, 1);
    ASSERT_THAT(NamesIn(line), testing::Not(testing::Contains("evil"))) << line;
  }
}

TEST(PrefsParser, AMissingClosingQuoteCostsNoMoreThanTheNextStatement) {
  EXPECT_THAT(NamesIn("pref(\"a, 1);\npref(\"b\", 2);\npref(\"c\", 3);\npref(\"d\", 4);"),
              ElementsAre("c", "d"));
  EXPECT_THAT(NamesIn("pref('a', 'x);\npref('b', 'y');\npref('c', 'z');\npref('d', '');"),
              ElementsAre("c", "d"));
}

TEST(PrefsParser, AMissingOpeningQuoteCostsNoMoreThanItsStatement) {
  EXPECT_THAT(NamesIn("pref(a\", 1);\npref(\"b\", 2);\npref(\"c\", 3);"), ElementsAre("b", "c"));
  EXPECT_THAT(NamesIn("pref('a', x');\npref('b', 'y');\npref('c', 'z');"), ElementsAre("b", "c"));
}

TEST(PrefsParser, AnUnterminatedStringDoesNotTakeTheRestOfTheTextWithIt) {
  const Reading reading = Read("\npref('a', \"x);\npref('b', 2);\npref('c', 3);\n");
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(2, "unterminated string")));
  EXPECT_THAT(reading.prefs,
              ElementsAre(AllOf(Field(&ParsedPref::name, "b"), Field(&ParsedPref::line, 3)),
                          AllOf(Field(&ParsedPref::name, "c"), Field(&ParsedPref::line, 4))));
}

TEST(PrefsParser, ASlashSlashInAnUnterminatedStringIsNotAComment) {
  EXPECT_THAT(NamesIn("pref('a', \"http://x);\npref('b', 2);"), ElementsAre("b"));
}

TEST(PrefsParser, AnApostropheInWhatIsSkippedDoesNotTakeTheRestOfTheTextWithIt) {
  EXPECT_THAT(NamesIn("pref(don't, 1);\npref('b', 2);\npref('c', 3);"), ElementsAre("b", "c"));
}

TEST(PrefsParser, AStrayQuoteHidesCommentsOnItsOwnLineOnly) {
  EXPECT_THAT(NamesIn("nonsense \"\n// ; pref('evil', 1);\n; pref('a', 1);"), ElementsAre("a"));
}

TEST(PrefsParser, AQuoteThatIsNotClosedOnItsLineIsAStrayCharacterInWhatIsSkipped) {
  EXPECT_THAT(NamesIn("nonsense \"one; pref('a', 1);\ntwo\"; pref('b', 1);"),
              ElementsAre("a", "b"));
}

TEST(PrefsParser, AnUnterminatedCommentDoesNotTakeTheRestOfTheTextWithIt) {
  const Reading reading = Read("\n/* never closed\npref('a', 1);\npref('b', 2);\n");
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(2, "unterminated /* comment")));
  EXPECT_THAT(reading.prefs,
              ElementsAre(AllOf(Field(&ParsedPref::name, "b"), Field(&ParsedPref::line, 4))));
}

TEST(PrefsParser, AnUnterminatedCommentInAStatementIsAnErrorOfItsOwnLine) {
  const Reading reading = Read("pref('a',\n/* 1);\npref('b', 2);\n");
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(2, "unterminated /* comment")));
  EXPECT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::name, "b")));
}

TEST(PrefsParser, AnUnterminatedCommentInWhatIsSkippedHidesNothing) {
  const Reading reading = Read("nonsense /* x;\npref('b', 2);\n");
  EXPECT_THAT(reading.errors, ElementsAre(ErrorAt(1, "unknown keyword 'nonsense'")));
  EXPECT_THAT(reading.prefs, ElementsAre(Field(&ParsedPref::name, "b")));
}

TEST(PrefsParser, WhatIsSkippedUpToTheEndOfTheTextIsOneError) {
  for (const char* text : {"nonsense", "nonsense '", "nonsense \"x", "nonsense /*", "nonsense // ;",
                           "nonsense ';'", "nonsense '\\", "pref('a', 1", "'", "/*", "/*/"}) {
    const Reading reading = Read(text);
    EXPECT_THAT(reading.errors, SizeIs(1)) << text;
    EXPECT_THAT(reading.prefs, IsEmpty()) << text;
  }
}

// A parser that scanned from each quote of a line without an unescaped pair to the end of the line
// would take quadratic time, and run into the test's timeout.
TEST(PrefsParser, ALineOfEscapedQuotesTakesLinearTime) {
  std::string text = "nonsense ";
  for (int i = 0; i < 1'000'000; ++i) text += "\\\"";
  EXPECT_THAT(Read(text).errors, ElementsAre(ErrorAt(1, "unknown keyword 'nonsense'")));
}

// As above, of one that searched from each `/*` without an end to the end of the text.
TEST(PrefsParser, ManyUnterminatedCommentsTakeLinearTime) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += "/*;";
  EXPECT_THAT(Read(text).errors, SizeIs(1'000'000));
}

// Whole files.

constexpr std::string_view kFile = R"(// A file with something of everything.
pref("browser.startup.page", 1);
pref('a.single', 'quotes'); pref("same.line", "it's");
# a comment that doesn't matter; pref("not.this", 1);
sticky_pref("sticky", true);
lockPref("locked", "\u00e9\xe9\n\r\"\'\\");
pref("emoji", "\uD83D\uDE00", sticky, locked);
/* a block comment
   of two lines without that mark */ pref("behind.a.comment", false);
user_pref("browser.startup.page", -2147483648);
pref("url", "https://example.org/?a=1;b=2#c /* not a comment */");
pref("several.lines", "one
two
three", locked);
pref ( "spread" , // over
       + 2147483647 # several
       , sticky /* lines */ )
;
user_pref("empty","");user_pref("last", 'end');
)";

bool Same(const ParsedPref& left, const ParsedPref& right) {
  return left.kind == right.kind && left.name == right.name && left.value == right.value &&
         left.sticky == right.sticky && left.locked == right.locked &&
         left.overrides_lock == right.overrides_lock && left.line == right.line;
}

TEST(PrefsParser, AWholeFileIsRead) {
  const Reading reading = Read(kFile);
  EXPECT_THAT(reading.errors, IsEmpty());
  EXPECT_THAT(NamesIn(kFile),
              ElementsAre("browser.startup.page", "a.single", "same.line", "sticky", "locked",
                          "emoji", "behind.a.comment", "browser.startup.page", "url",
                          "several.lines", "spread", "empty", "last"));
  EXPECT_THAT(reading.lines, ElementsAre(2, 3, 3, 5, 6, 7, 9, 10, 11, 12, 15, 19, 19));
}

TEST(PrefsParser, AFileWithCrLfHasTheSamePrefsOnTheSameLines) {
  std::string with_crlf;
  for (const char c : kFile) with_crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const Reading reading = Read(with_crlf);
  EXPECT_THAT(reading.errors, IsEmpty());
  EXPECT_EQ(NamesIn(with_crlf), NamesIn(kFile));
  EXPECT_EQ(reading.lines, Read(kFile).lines);
}

TEST(PrefsParser, EveryPrefixOfAFileHasTheFirstPrefsOfTheFile) {
  const Reading whole = Read(kFile);
  size_t before = 0;
  for (size_t size = 0; size <= kFile.size(); ++size) {
    const Reading prefix = Read(kFile.substr(0, size));
    ASSERT_THAT(prefix.prefs.size(), AllOf(Ge(before), Le(before + 1))) << size << " bytes";
    ASSERT_TRUE(std::equal(prefix.prefs.begin(), prefix.prefs.end(), whole.prefs.begin(), Same))
        << size << " bytes";
    before = prefix.prefs.size();
  }
  EXPECT_EQ(before, whole.prefs.size());
}

TEST(PrefsParser, EverySuffixOfAFileIsReadToItsEnd) {
  for (size_t start = 0; start < kFile.size(); ++start) {
    const Reading suffix =
        Read(absl::StrCat(std::string(kFile.substr(start)), ";\npref('end', 1);"));
    ASSERT_FALSE(suffix.prefs.empty()) << "from " << start;
    ASSERT_EQ(suffix.prefs.back().name, "end") << "from " << start;
  }
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  std::string Mutate(std::string text) {
    constexpr std::string_view kTelling = "\"'\\;/*#(),+-\n\r\0x0u9pD\xEF\xFF "sv;
    const size_t changes = 1 + Below(8);
    for (size_t i = 0; i < changes; ++i) {
      const size_t at = Below(text.size() + 1);
      const size_t size = Below(std::min<size_t>(text.size() - at, 40) + 1);
      switch (Below(5)) {
        case 0:
          text.insert(at, 1, kTelling[Below(kTelling.size())]);
          break;
        case 1:
          text.erase(at, size);
          break;
        case 2:
          text.insert(Below(text.size() + 1), text.substr(at, size));
          break;
        case 3:
          if (at < text.size()) text[at] = static_cast<char>(Below(256));
          break;
        case 4:
          if (at < text.size()) text[at] = kTelling[Below(kTelling.size())];
          break;
      }
    }
    return text;
  }

 private:
  // Not std::uniform_int_distribution, which differs between libraries.
  size_t Below(size_t limit) { return random_() % limit; }

  std::mt19937_64 random_;
};

// As Gecko has it: old Macintosh files have no other.
TEST(PrefsParser, ACarriageReturnAloneEndsALineAndACommentOnIt) {
  const Reading reading = Read("// comment\rpref('a', 1);\r# another\r\npref('b' 2);\r");
  ASSERT_EQ(reading.prefs.size(), 1u);
  EXPECT_EQ(reading.prefs[0].name, "a");
  EXPECT_EQ(reading.prefs[0].line, 2);
  ASSERT_EQ(reading.errors.size(), 1u);
  EXPECT_EQ(reading.errors[0].line, 4);
}

TEST(PrefsParser, AMutatedFileIsReadToItsEndInOrder) {
  Mutator mutator(20240229);
  for (int round = 0; round < 10'000; ++round) {
    const std::string text = mutator.Mutate(std::string(kFile));
    const Reading reading = Read(text);
    // Each of them but the last takes a semicolon.
    const ptrdiff_t semicolons = std::count(text.begin(), text.end(), ';');
    ASSERT_LE(static_cast<ptrdiff_t>(reading.lines.size()), semicolons + 1) << round << text;
    ASSERT_TRUE(std::is_sorted(reading.lines.begin(), reading.lines.end())) << round << text;
    const ptrdiff_t lines =
        std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r') + 1;
    if (!reading.lines.empty()) {
      ASSERT_GE(reading.lines.front(), 1) << round << text;
      ASSERT_LE(reading.lines.back(), lines) << round << text;
    }
    for (const ParsedPref& pref : reading.prefs) {
      ASSERT_EQ(pref.name.find('\0'), pref.name.npos) << round << text;
    }
    for (const PrefSyntaxError& error : reading.errors) {
      ASSERT_NE(error.reason, "") << round << text;
    }
  }
}

TEST(PrefsParser, AMutatedFileStillHasAStatementThatIsSetApart) {
  Mutator mutator(19720229);
  for (int round = 0; round < 10'000; ++round) {
    // A quote or a comment that the mutation left open may take what follows it, up to the next
    // of its kind: each is given one, on a line of its own.
    const std::string text =
        absl::StrCat(mutator.Mutate(std::string(kFile)), "\n\"\n'\n*/\n\"\n'\n;\npref('end', 1);");
    const Reading reading = Read(text);
    ASSERT_FALSE(reading.prefs.empty()) << round << text;
    ASSERT_EQ(reading.prefs.back().name, "end") << round << text;
  }
}

TEST(PrefsParser, FiveThousandPrefsAreRead) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    const std::string value = i % 3 == 0   ? (i % 2 == 0 ? "true" : "false")
                              : i % 3 == 1 ? absl::StrCat(i * 1000 - 2'500'000)
                                           : absl::StrCat("\"https://example.org/", i, "\\n\"");
    absl::StrAppend(&text, i % 7 == 0 ? "user_pref" : "pref", "(\"branch.", i % 50, ".pref.", i,
                    "\", ", value, ");  // number ", i, "\n");
  }
  const Reading reading = Read(text);
  EXPECT_THAT(reading.errors, IsEmpty());
  ASSERT_THAT(reading.prefs, SizeIs(5000));
  for (int i = 0; i < 5000; ++i) {
    const ParsedPref& pref = reading.prefs[i];
    ASSERT_EQ(pref.name, absl::StrCat("branch.", i % 50, ".pref.", i));
    ASSERT_EQ(pref.kind, i % 7 == 0 ? Kind::kUser : Kind::kDefault);
    ASSERT_EQ(pref.line, i + 1);
    const PrefValue expected = i % 3 == 0 ? PrefValue(i % 2 == 0)
                               : i % 3 == 1
                                   ? PrefValue(i * 1000 - 2'500'000)
                                   : PrefValue(absl::StrCat("https://example.org/", i, "\n"));
    ASSERT_EQ(pref.value, expected);
  }
}

}  // namespace
}  // namespace forkserver
