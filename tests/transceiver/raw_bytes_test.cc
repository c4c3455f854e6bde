#include "transceiver/raw_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace forkserver {
namespace {

// What std::string_view says.
size_t Expected(std::string_view text, char wanted) {
  const size_t place = text.find(wanted);
  return place == text.npos ? text.size() : place;
}

// Each byte among those that differ from it by one bit, by one, or by all; at every place of texts
// of every length up to some words, at every alignment. What surrounds the text is not looked at.
TEST(FindByte, FindsEveryByteAtEveryPlace) {
  constexpr size_t kLongest = 26;
  for (int value = 0; value < 256; ++value) {
    const char wanted = static_cast<char>(value);
    for (const int other : {value ^ 0x80, value ^ 0x01, value + 1, value - 1, value ^ 0xff}) {
      std::string room(8 + kLongest + 8, wanted);
      for (size_t alignment = 0; alignment < 8; alignment += 1 + alignment % 3) {
        for (size_t size = 0; size <= kLongest; ++size) {
          room.assign(room.size(), wanted);
          room.replace(alignment, size, size, static_cast<char>(other));
          const std::string_view text = std::string_view(room).substr(alignment, size);
          ASSERT_EQ(FindByte(text, wanted), size) << value << " not among " << other;
          for (size_t place = size; place-- > 0;) {
            room[alignment + place] = wanted;  // and behind it, from earlier
            ASSERT_EQ(FindByte(text, wanted), place)
                << value << " among " << other << ", size " << size << " at " << alignment;
          }
        }
      }
    }
  }
}

TEST(FindByte, FindsTheFirstInAnyText) {
  uint32_t state = 1;
  const auto next = [&state] { return (state = state * 1664525 + 1013904223) >> 24; };
  for (int i = 0; i < 20'000; ++i) {
    std::string text(next() % 70, '\0');
    // Few kinds of bytes, so that most are there.
    const uint32_t base = next();
    for (char& c : text) c = static_cast<char>(base + next() % 40 * 7);
    const char wanted = static_cast<char>(base + next() % 40 * 7);
    ASSERT_EQ(FindByte(text, wanted), Expected(text, wanted)) << i;
  }
}

TEST(FindByte, OfNothingIsItsSize) {
  EXPECT_EQ(FindByte({}, '\0'), 0u);
  EXPECT_EQ(FindByte("", 'x'), 0u);
}

TEST(CopyBytes, CopiesThoseAndNoOthers) {
  std::string from;
  for (int i = 0; i < 300; ++i) from += static_cast<char>(i * 31);
  for (size_t size = 0; size < 260; size += 1 + size / 40) {
    for (size_t at = 0; at < 9; ++at) {
      std::string to(300, '#');
      CopyBytes(to.data() + at, from.data() + 8 - at, size);
      std::string expected(300, '#');
      expected.replace(at, size, from.substr(8 - at, size));
      ASSERT_EQ(to, expected) << size << " bytes at " << at;
    }
  }
}

TEST(ClearBytes, ClearsThoseAndNoOthers) {
  for (size_t size = 0; size < 260; size += 1 + size / 40) {
    for (size_t at = 0; at < 9; ++at) {
      std::string to(300, '#');
      ClearBytes(to.data() + at, size);
      std::string expected(300, '#');
      expected.replace(at, size, size, '\0');
      ASSERT_EQ(to, expected) << size << " bytes at " << at;
    }
  }
}

}  // namespace
}  // namespace forkserver
