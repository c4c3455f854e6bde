#include "examples/browser_host/paint/text_encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace browser_host {
namespace {

TEST(TextEncoding, ResponseSaysIt) {
  EXPECT_EQ(ToUtf8("caf\xe9 \x80", "iso-8859-1"), "caf\u00e9 \u20ac");
  EXPECT_EQ(ToUtf8("caf\xc3\xa9", "UTF-8"), "caf\u00e9");
  // Ahead of what the page says.
  EXPECT_EQ(ToUtf8("<meta charset=utf-8>\xc3\xa9", "latin1"), "<meta charset=utf-8>\u00c3\u00a9");
}

TEST(TextEncoding, PageSaysIt) {
  EXPECT_EQ(ToUtf8("<META CHARSET='Windows-1252'>\x93", ""), "<META CHARSET='Windows-1252'>\u201c");
  const std::string old =
      "<meta http-equiv=Content-Type content=\"text/html; charset=iso-8859-1\">";
  EXPECT_EQ(ToUtf8("<meta name=x>" + old + "\xfc", ""), "<meta name=x>" + old + "\u00fc");
  // It could be read, so it is none.
  EXPECT_EQ(ToUtf8("<meta charset=utf-16>\xc3\xbc", ""), "<meta charset=utf-16>\u00fc");
  const std::string far(2000, ' ');
  EXPECT_EQ(ToUtf8(far + "<meta charset=latin1>\xc3\xbc", ""), far + "<meta charset=latin1>\u00fc");
}

TEST(TextEncoding, ByteOrderMarkSaysItFirst) {
  EXPECT_EQ(ToUtf8("\xef\xbb\xbf\xc3\xbc", "latin1"), "\u00fc");
  EXPECT_EQ(ToUtf8(std::string("\xff\xfe"
                               "a\0\xfc\0",
                               6),
                   "utf-8"),
            "a\u00fc");
  EXPECT_EQ(ToUtf8(std::string("\xfe\xff\0a\xd8\x3d\xde\0", 8), ""), "a\U0001f600");
}

TEST(TextEncoding, NobodySaysIt) {
  EXPECT_EQ(ToUtf8("\xc3\xbc", ""), "\u00fc");
  EXPECT_EQ(ToUtf8("gr\xfcn", ""), "gr\u00fcn");
  EXPECT_EQ(ToUtf8("gr\xfcn", "klingon"), "gr\u00fcn");
  EXPECT_EQ(ToUtf8("", ""), "");
  EXPECT_EQ(ToUtf8(std::string("a\0b", 3), ""), std::string("a\0b", 3));
}

// What is no character is U+FFFD, and what is cut at the end is dropped.
TEST(TextEncoding, OfNoiseEnds) {
  EXPECT_EQ(ToUtf8("a\x81"
                   "b",
                   "latin1"),
            "a\ufffdb");
  EXPECT_EQ(ToUtf8(std::string("\xff\xfe\0\xdc"
                               "a\0b",
                               7),
                   ""),
            "\ufffda");
  std::string noise;
  for (int i = 0; i < 4096; ++i) noise += static_cast<char>(i * 37 + i / 256);
  for (const char* charset : {"latin1", "utf-16le", "utf-16be", "utf-8"}) {
    EXPECT_LE(ToUtf8(noise, charset).size(), noise.size() * 3 + 16) << charset;
  }
}

}  // namespace
}  // namespace browser_host
