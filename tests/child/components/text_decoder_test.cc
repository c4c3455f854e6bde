#include "child/components/text_decoder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "child/process_types.h"

namespace forkserver {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Utf16(const std::u16string& text, ByteOrder order) {
  Bytes bytes;
  for (const char16_t unit : text) {
    const auto high = static_cast<uint8_t>(unit >> 8);
    const auto low = static_cast<uint8_t>(unit);
    bytes.push_back(order == ByteOrder::kBigEndian ? high : low);
    bytes.push_back(order == ByteOrder::kBigEndian ? low : high);
  }
  return bytes;
}

std::string Decoded(const std::u16string& text) {
  const TextDecoder decoder;
  const std::string little =
      decoder.FromUtf16(Utf16(text, ByteOrder::kLittleEndian), ByteOrder::kLittleEndian);
  EXPECT_EQ(decoder.FromUtf16(Utf16(text, ByteOrder::kBigEndian), ByteOrder::kBigEndian), little);
  return little;
}

TEST(TextDecoder, OfLatin1EachByteIsACodePoint) {
  const TextDecoder decoder;
  EXPECT_EQ(decoder.FromLatin1(Bytes{'h', 0xE9, 'r', 'o', 'n'}), "h\xC3\xA9ron");
  EXPECT_EQ(decoder.FromLatin1(Bytes{0x00, 0x7F, 0x80, 0xFF}),
            std::string("\0\x7F\xC2\x80\xC3\xBF", 6));
  EXPECT_EQ(decoder.FromLatin1({}), "");
}

TEST(TextDecoder, OfUtf16EachLengthOfUtf8ComesOut) {
  EXPECT_EQ(Decoded(u""), "");
  EXPECT_EQ(Decoded(u"a\u007F"), "a\x7F");
  EXPECT_EQ(Decoded(u"\u0080\u07FF"), "\xC2\x80\xDF\xBF");
  EXPECT_EQ(Decoded(u"\u0800\u20AC\uFFFF"), "\xE0\xA0\x80\xE2\x82\xAC\xEF\xBF\xBF");
  EXPECT_EQ(Decoded(u"\U00010000\U0001F426\U0010FFFF"),
            "\xF0\x90\x80\x80\xF0\x9F\x90\xA6\xF4\x8F\xBF\xBF");
}

TEST(TextDecoder, HalfAPairOfSurrogatesIsReplaced) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(Decoded({0xD83D}), replaced);
  EXPECT_EQ(Decoded({0xDC26}), replaced);
  EXPECT_EQ(Decoded({u'a', 0xD83D, u'b'}), "a" + replaced + "b");
  EXPECT_EQ(Decoded({0xDC26, 0xD83D}), replaced + replaced);
  // The second lead begins a pair of its own.
  EXPECT_EQ(Decoded({0xD83D, 0xD83D, 0xDC26}), replaced + "\xF0\x9F\x90\xA6");
}

TEST(TextDecoder, AByteTooManyIsReplaced) {
  const TextDecoder decoder;
  EXPECT_EQ(decoder.FromUtf16(Bytes{'a', 0, 'b'}, ByteOrder::kLittleEndian), "a\xEF\xBF\xBD");
  EXPECT_EQ(decoder.FromUtf16(Bytes{'a'}, ByteOrder::kBigEndian), "\xEF\xBF\xBD");
}

TEST(TextDecoder, IsOnlyForTypesThatHaveASandbox) {
  for (const ProcessType type : TextDecoder::Row().users) {
    EXPECT_NE(FindProcessType(type)->sandbox, SandboxPolicyId::kNone) << ProcessTypeName(type);
  }
  EXPECT_FALSE(TextDecoder::Row().users.empty());
}

}  // namespace
}  // namespace forkserver
