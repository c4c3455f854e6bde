#include "transceiver/byte_order.h"

#include <stdint.h>
#include <string.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace forkserver {
namespace {

std::vector<uint8_t> Copy(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

TEST(ByteWriter, WritesTheLowestByteFirst) {
  std::array<uint8_t, 15> buffer;
  ByteWriter out(buffer);
  out.U8(0x01);
  out.U16(0x0302);
  out.U32(0x07060504);
  out.U64(0x0F0E0D0C0B0A0908);
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(Copy(out.written()),
            (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
}

TEST(ByteWriter, WritesNegativeNumbersInTwosComplement) {
  std::array<uint8_t, 12> buffer;
  ByteWriter out(buffer);
  out.I32(-2);
  out.I64(-3);
  EXPECT_EQ(Copy(out.written()), (std::vector<uint8_t>{0xFE, 0xFF, 0xFF, 0xFF, 0xFD, 0xFF, 0xFF,
                                                       0xFF, 0xFF, 0xFF, 0xFF, 0xFF}));
}

TEST(ByteWriter, WritesAStringAsLengthBytesAndNul) {
  std::array<uint8_t, 16> buffer;
  ByteWriter out(buffer);
  out.String("hi");
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(Copy(out.written()), (std::vector<uint8_t>{2, 0, 0, 0, 'h', 'i', 0}));
}

TEST(ByteWriter, FillsItsBufferToTheLastByte) {
  std::array<uint8_t, 4> buffer;
  ByteWriter out(buffer);
  out.U32(1);
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(out.size(), 4u);
}

TEST(ByteWriter, FailsOnAFieldThatIsOneByteTooLong) {
  std::array<uint8_t, 3> buffer;
  ByteWriter out(buffer);
  out.U32(1);
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.size(), 0u);
}

TEST(ByteWriter, DropsFieldsThatWouldFitBehindOneThatDidNot) {
  std::array<uint8_t, 3> buffer;
  ByteWriter out(buffer);
  out.U16(1);
  out.U32(2);
  out.U8(3);
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.size(), 2u);
}

TEST(ByteWriter, FailsOnAStringWithoutRoomForItsNul) {
  std::array<uint8_t, 6> buffer;
  ByteWriter out(buffer);
  out.String("hi");
  EXPECT_FALSE(out.ok());
}

TEST(ByteWriter, RefusesAStringWithANulInside) {
  std::array<uint8_t, 16> buffer;
  ByteWriter out(buffer);
  out.String(std::string_view("a\0b", 3));
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(out.size(), 0u);
}

TEST(ByteReader, ReadsEveryFieldThatAWriterWrote) {
  std::array<uint8_t, 128> buffer;
  ByteWriter out(buffer);
  out.U8(std::numeric_limits<uint8_t>::max());
  out.U16(std::numeric_limits<uint16_t>::max() - 1);
  out.U32(std::numeric_limits<uint32_t>::max() - 2);
  out.U64(std::numeric_limits<uint64_t>::max() - 3);
  out.I32(std::numeric_limits<int32_t>::min());
  out.I64(std::numeric_limits<int64_t>::min());
  out.String("");
  out.String("prefs");
  ASSERT_TRUE(out.ok());

  ByteReader in(out.written());
  EXPECT_EQ(in.U8(), std::numeric_limits<uint8_t>::max());
  EXPECT_EQ(in.U16(), std::numeric_limits<uint16_t>::max() - 1);
  EXPECT_EQ(in.U32(), std::numeric_limits<uint32_t>::max() - 2);
  EXPECT_EQ(in.U64(), std::numeric_limits<uint64_t>::max() - 3);
  EXPECT_EQ(in.I32(), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(in.I64(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(in.String(), "");
  EXPECT_EQ(in.String(), "prefs");
  EXPECT_TRUE(in.AtEnd());
}

TEST(ByteReader, ReadsZeroBeyondTheEnd) {
  const std::array<uint8_t, 3> bytes = {1, 2, 3};
  ByteReader in(bytes);
  EXPECT_EQ(in.U32(), 0u);
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, ReadsZeroAfterAFieldThatWasNotThere) {
  const std::array<uint8_t, 3> bytes = {1, 2, 3};
  ByteReader in(bytes);
  in.U32();
  EXPECT_EQ(in.U8(), 0);
  EXPECT_EQ(in.remaining(), 0u);
  EXPECT_FALSE(in.AtEnd());
}

TEST(ByteReader, GivesNoBytesAfterAFieldThatWasNotThere) {
  const std::array<uint8_t, 3> bytes = {1, 2, 3};
  ByteReader in(bytes);
  in.U32();
  EXPECT_TRUE(in.Bytes(1).empty());
  EXPECT_EQ(in.position(), 0u);
}

TEST(ByteReader, IsNotAtItsEndWhenBytesAreLeftOver) {
  const std::array<uint8_t, 3> bytes = {1, 2, 3};
  ByteReader in(bytes);
  in.U16();
  EXPECT_TRUE(in.ok());
  EXPECT_FALSE(in.AtEnd());
  EXPECT_EQ(in.position(), 2u);
  EXPECT_EQ(in.remaining(), 1u);
}

TEST(ByteReader, IsAtItsEndAtOnceWhenThereIsNothing) {
  ByteReader in({});
  EXPECT_TRUE(in.AtEnd());
}

TEST(ByteReader, PointsIntoItsBufferWithAStringThatEndsInNul) {
  const std::array<uint8_t, 8> bytes = {2, 0, 0, 0, 'h', 'i', 0, 9};
  ByteReader in(bytes);
  const std::string_view text = in.String();
  EXPECT_EQ(text.data(), reinterpret_cast<const char*>(bytes.data() + 4));
  EXPECT_STREQ(text.data(), "hi");
  EXPECT_EQ(in.U8(), 9);
}

TEST(ByteReader, RejectsAStringWithoutNulBehindIt) {
  const std::array<uint8_t, 7> bytes = {2, 0, 0, 0, 'h', 'i', 'x'};
  ByteReader in(bytes);
  EXPECT_EQ(in.String(), "");
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, RejectsAStringWithANulInside) {
  const std::array<uint8_t, 8> bytes = {3, 0, 0, 0, 'a', 0, 'b', 0};
  ByteReader in(bytes);
  EXPECT_EQ(in.String(), "");
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, RejectsAStringWhoseNulIsBeyondTheEnd) {
  const std::array<uint8_t, 6> bytes = {2, 0, 0, 0, 'h', 'i'};
  ByteReader in(bytes);
  EXPECT_EQ(in.String(), "");
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, RejectsTheLongestLengthThatAStringCanClaim) {
  const std::array<uint8_t, 6> bytes = {0xFF, 0xFF, 0xFF, 0xFF, 'a', 0};
  ByteReader in(bytes);
  EXPECT_EQ(in.String(), "");
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, GivesBytesUpToTheLast) {
  const std::array<uint8_t, 3> bytes = {1, 2, 3};
  ByteReader in(bytes);
  EXPECT_EQ(Copy(in.Bytes(3)), (std::vector<uint8_t>{1, 2, 3}));
  EXPECT_TRUE(in.AtEnd());
}

TEST(ByteReader, GivesNoBytesWhenOneIsMissing) {
  const std::array<uint8_t, 3> bytes = {1, 2, 3};
  ByteReader in(bytes);
  EXPECT_TRUE(in.Bytes(4).empty());
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace forkserver
