#include "transceiver/read_text.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

// Each read of it is one packet, so shorter than what is asked for, and then the end.
UniqueFd InPieces(std::initializer_list<std::string_view> pieces) {
  SocketPair pair;
  EXPECT_EQ(CreateSocketPair(pair), 0);
  for (const std::string_view piece : pieces) {
    EXPECT_EQ(write(pair.first.get(), piece.data(), piece.size()),
              static_cast<ssize_t>(piece.size()));
  }
  return std::move(pair.second);
}

TEST(ReadText, GoesOnAfterAShortRead) {
  char text[64];
  const long size = ReadText(InPieces({"T", "gid:\t", "12\n"}).get(), text, sizeof(text));
  ASSERT_EQ(size, 9);
  EXPECT_EQ(std::string_view(text, 9), "Tgid:\t12\n");
}

TEST(ReadText, StopsWhereThereIsNoMoreRoom) {
  char text[4] = {};
  const UniqueFd file = InPieces({"ab", "c", "d"});
  EXPECT_EQ(ReadText(file.get(), text, 3), 3);
  EXPECT_EQ(std::string(text), "abc");
  EXPECT_EQ(ReadText(file.get(), text, sizeof(text)), 1);
}

TEST(ReadText, OfAnEmptyFileIsNothing) {
  char text[4];
  EXPECT_EQ(ReadText(InPieces({}).get(), text, sizeof(text)), 0);
}

TEST(ReadText, SaysWhichErrnoItWas) {
  char text[4];
  EXPECT_EQ(ReadText(-1, text, sizeof(text)), -EBADF);
}

}  // namespace
}  // namespace forkserver
