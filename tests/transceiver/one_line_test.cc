// What of a peer's text may stand in a line.
#include "transceiver/one_line.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace forkserver {
namespace {

TEST(OneLine, PlainTextStaysAsItIs) {
  EXPECT_EQ(OneLine(""), "");
  EXPECT_EQ(OneLine("browser 1 shows https://a.test, not \\\"~"),
            "browser 1 shows https://a.test, not \\\"~");
}

TEST(OneLine, WellFormedUtf8StaysAsItIs) {
  // The first and the last of two, three and four bytes, and those beside the surrogates.
  for (const std::string_view text :
       {"\u00a0", "B\u00fccher", "\u07ff", "\u0800", "\xed\x9f\xbf", "\xee\x80\x80", "\uffff",
        "\U00010000", "\U0010ffff", "\u65e5\u672c"}) {
    EXPECT_EQ(OneLine(text), text);
  }
}

TEST(OneLine, ControlCharactersBecomeTheirBytes) {
  EXPECT_EQ(OneLine("a\nb\r\tc"), "a\\x0ab\\x0d\\x09c");
  EXPECT_EQ(OneLine("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(OneLine("\x1f \x7e\x7f"), "\\x1f ~\\x7f");
  EXPECT_EQ(OneLine(std::string_view("\0x", 2)), "\\x00x");
}

// A terminal that reads UTF-8 takes U+009B for ESC [, and U+0085 is a line's end.
TEST(OneLine, ControlCharactersOfC1BecomeTheirBytes) {
  EXPECT_EQ(OneLine("\u0080\u0085\u009b\u009f"), "\\xc2\\x80\\xc2\\x85\\xc2\\x9b\\xc2\\x9f");
}

// They would have what comes after them in the line read in another order.
TEST(OneLine, OrdersOfDirectionBecomeTheirBytes) {
  EXPECT_EQ(OneLine("a\u202egnp.exe"), "a\\xe2\\x80\\xaegnp.exe");
  EXPECT_EQ(OneLine("\u202a\u2066\u2069"), "\\xe2\\x80\\xaa\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
  for (const std::string_view text : {"\u2029", "\u202f", "\u2065", "\u206a", "\u05d0\u200f"}) {
    EXPECT_EQ(OneLine(text), text);
  }
}

TEST(OneLine, WhatIsNoUtf8BecomesItsBytes) {
  EXPECT_EQ(OneLine("a\x80z"), "a\\x80z");                     // goes on with nothing
  EXPECT_EQ(OneLine("\x9b\x32J"), "\\x9b2J");                  // C1 as a byte
  EXPECT_EQ(OneLine("\xc3"), "\\xc3");                         // is cut off
  EXPECT_EQ(OneLine("\xe6\x97"), "\\xe6\\x97");                //
  EXPECT_EQ(OneLine("\xf0\x9f\x98"), "\\xf0\\x9f\\x98");       //
  EXPECT_EQ(OneLine("\xc3\nx"), "\\xc3\\x0ax");                // hides a line's end
  EXPECT_EQ(OneLine("\xe6\x97\xc3\xbc"), "\\xe6\\x97\u00fc");  // or what is well-formed
  EXPECT_EQ(OneLine("\xc0\x8a"), "\\xc0\\x8a");                // longer than it has to be
  EXPECT_EQ(OneLine("\xe0\x80\x8a"), "\\xe0\\x80\\x8a");       //
  EXPECT_EQ(OneLine("\xe0\x9f\xbf"), "\\xe0\\x9f\\xbf");       //
  EXPECT_EQ(OneLine("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf");
  EXPECT_EQ(OneLine("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(OneLine("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above the last
  EXPECT_EQ(OneLine("\xf5\xff"), "\\xf5\\xff");
}

TEST(OneLine, IsTheSameTwice) {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
  EXPECT_NE(OneLine(text), text);
  EXPECT_EQ(OneLine(OneLine(text)), OneLine(text));
}

}  // namespace
}  // namespace forkserver
