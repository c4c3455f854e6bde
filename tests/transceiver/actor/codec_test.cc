#include "transceiver/actor/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/actor/text.h"

namespace forkserver {
namespace {

enum class Colour : uint8_t { kRed, kGreen, kBlue };
constexpr Colour LastValue(Colour) { return Colour::kBlue; }

enum class Signed : int32_t { kZero, kOne };
constexpr Signed LastValue(Signed) { return Signed::kOne; }

struct Inner {
  uint16_t x = 0;
  Text<8> name = {};
  auto Fields() { return std::tie(x, name); }
};

struct Everything {
  bool flag = false;
  int8_t i8 = 0;
  uint64_t u64 = 0;
  Colour colour = {};
  Signed sign = {};
  Text<16> text = {};
  Bytes<16> bytes = {};
  BytesView<5000> view = {};
  List<Inner, 3> list = {};
  std::optional<uint32_t> maybe = {};
  Inner inner = {};
  List<bool, 2> flags = {};
  auto Fields() {
    return std::tie(flag, i8, u64, colour, sign, text, bytes, view, list, maybe, inner, flags);
  }
};

static_assert(MaxEncodedBytes<Inner>() == 2 + 4 + 8);
static_assert(MaxEncodedBytes<Everything>() ==
              1 + 1 + 8 + 1 + 4 + 20 + 20 + 5004 + (4 + 3 * 14) + 5 + 14 + (4 + 2));
static_assert(MaxDescriptors<Everything>() == 0);
static_assert(HasView<Everything>() && !HasView<Inner>());

struct WithDescriptors {
  Descriptor file = {};
  std::optional<Descriptor> log = {};
  auto Fields() { return std::tie(file, log); }
};
static_assert(MaxDescriptors<WithDescriptors>() == 2);

// What is sent, as bytes and duplicates of the descriptors.
struct Wire {
  std::vector<uint8_t> bytes;
  std::vector<UniqueFd> descriptors;
  absl::Status status;
};

template <typename M>
Wire Encoded(const M& message) {
  Wire wire;
  std::vector<uint8_t> buffer(MaxEncodedBytes<M>());
  FieldWriter out(buffer);
  EncodeMessage(out, message);
  wire.status = out.status("Message");
  for (const iovec& part : out.payload()) {
    const uint8_t* const bytes = static_cast<const uint8_t*>(part.iov_base);
    wire.bytes.insert(wire.bytes.end(), bytes, bytes + part.iov_len);
  }
  EXPECT_EQ(out.size(), wire.bytes.size());
  for (const int fd : out.descriptors())
    wire.descriptors.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  return wire;
}

template <typename M>
absl::Status Decode(Wire& wire, M& message) {
  FieldReader in(wire.bytes, wire.descriptors);
  return DecodeMessage(in, "Message", message);
}

template <typename M>
absl::Status DecodeBytes(std::vector<uint8_t> bytes) {
  Wire wire = {.bytes = std::move(bytes), .descriptors = {}, .status = {}};
  M message;
  return Decode(wire, message);
}

std::string Text1(const absl::Status& status) { return std::string(status.message()); }

Everything Full(const std::vector<uint8_t>& body) {
  Everything sent = {.flag = true,
                     .i8 = -5,
                     .u64 = UINT64_MAX,
                     .colour = Colour::kBlue,
                     .sign = Signed::kOne,
                     .text = "sixteen bytes...",
                     .bytes = {{1, 2, 3}},
                     .view = {body},
                     .list = {{{.x = 1, .name = "one"}, {.x = 2, .name = "two"}}},
                     .maybe = 7,
                     .inner = {.x = 9, .name = "inner"},
                     .flags = {{true, false}}};
  return sent;
}

TEST(Codec, GivesBackWhatWasSent) {
  for (const size_t size : {0, 10, 5000}) {
    const std::vector<uint8_t> body(size, 42);
    Wire wire = Encoded(Full(body));
    ASSERT_TRUE(wire.status.ok()) << wire.status;
    Everything got;
    const absl::Status read = Decode(wire, got);
    ASSERT_TRUE(read.ok()) << read;
    EXPECT_TRUE(got.flag);
    EXPECT_EQ(got.i8, -5);
    EXPECT_EQ(got.u64, UINT64_MAX);
    EXPECT_EQ(got.colour, Colour::kBlue);
    EXPECT_EQ(got.sign, Signed::kOne);
    EXPECT_EQ(got.text, "sixteen bytes...");
    EXPECT_EQ(got.bytes.data, (std::vector<uint8_t>{1, 2, 3}));
    EXPECT_EQ(std::vector<uint8_t>(got.view.data.begin(), got.view.data.end()), body);
    ASSERT_EQ(got.list.items.size(), 2u);
    EXPECT_EQ(got.list.items[1].name, "two");
    EXPECT_EQ(got.maybe, 7u);
    EXPECT_EQ(got.inner.x, 9);
    EXPECT_EQ(got.flags.items, (std::vector<bool>{true, false}));
  }
}

struct LongRuns {
  List<BytesView<4096>, 6> runs = {};
  uint32_t last = 0;
  auto Fields() { return std::tie(runs, last); }
};

TEST(Codec, AnyNumberOfLongRunsGoesIntoTheMostPartsOfAPayload) {
  for (size_t count = 0; count <= 6; ++count) {
    SCOPED_TRACE(count);
    std::vector<std::vector<uint8_t>> bodies;
    LongRuns sent = {.last = 77};
    for (size_t i = 0; i < count; ++i) {
      bodies.emplace_back(4096, static_cast<uint8_t>(i + 1));
    }
    for (const std::vector<uint8_t>& body : bodies) sent.runs.items.push_back({body});
    std::vector<uint8_t> buffer(MaxEncodedBytes<LongRuns>());
    FieldWriter out(buffer);
    EncodeMessage(out, sent);
    EXPECT_LE(out.payload().size(), kMaxPayloadParts);
    EXPECT_TRUE(out.descriptors().empty());
    Wire wire = Encoded(sent);
    LongRuns got;
    ASSERT_EQ(Text1(Decode(wire, got)), "");
    ASSERT_EQ(got.runs.items.size(), count);
    for (size_t i = 0; i < count; ++i) {
      const auto& data = got.runs.items[i].data;
      EXPECT_EQ(std::vector<uint8_t>(data.begin(), data.end()), bodies[i]);
    }
    EXPECT_EQ(got.last, 77u);
  }
}

TEST(Codec, EveryPrefixOfAMessageIsMalformed) {
  const std::vector<uint8_t> body(10, 42);
  const Wire whole = Encoded(Full(body));
  for (size_t size = 0; size < whole.bytes.size(); ++size) {
    EXPECT_FALSE(DecodeBytes<Everything>({whole.bytes.begin(), whole.bytes.begin() + size}).ok())
        << size;
  }
}

TEST(Codec, SenderNamesTheFieldAndItsLimit) {
  EXPECT_EQ(Text1(Encoded(Everything{.text = std::string(17, 'x')}).status),
            "Message field 6: 17 bytes, at most 16");
  EXPECT_EQ(Text1(Encoded(Everything{.list = {std::vector<Inner>(4)}}).status),
            "Message field 9: 4 elements, at most 3");
  EXPECT_EQ(Text1(Encoded(Everything{.inner = {.name = "much too long"}}).status),
            "Message field 11: 13 bytes, at most 8");
  EXPECT_EQ(Text1(Encoded(Everything{.colour = static_cast<Colour>(3)}).status),
            "Message field 4: 3 of an enum, at most 2");
}

TEST(Codec, ReceiverNamesTheFieldAndItsLimit) {
  struct Short {
    bool flag = false;
    Text<4> text = {};
    auto Fields() { return std::tie(flag, text); }
  };
  EXPECT_EQ(Text1(DecodeBytes<Short>({1, 5, 0, 0, 0, 1, 2, 3, 4, 5})),
            "Message field 2: 5 bytes, at most 4");
  EXPECT_EQ(Text1(DecodeBytes<Short>({2, 0, 0, 0, 0})), "Message field 1: 2 of a bool, at most 1");
  EXPECT_EQ(Text1(DecodeBytes<Short>({1, 4, 0, 0, 0, 1})),
            "Message field 2: the message ends in it");
  EXPECT_EQ(Text1(DecodeBytes<Short>({1, 0, 0, 0, 0, 9})), "Message: 1 bytes left over");
}

struct OneSigned {
  Signed value = {};
  auto Fields() { return std::tie(value); }
};

TEST(Codec, NegativeEnumIsOutOfRange) {
  EXPECT_FALSE(DecodeBytes<OneSigned>({0xff, 0xff, 0xff, 0xff}).ok());
  EXPECT_TRUE(DecodeBytes<OneSigned>({1, 0, 0, 0}).ok());
  EXPECT_FALSE(DecodeBytes<OneSigned>({2, 0, 0, 0}).ok());
}

struct Huge {
  List<Text<100>, 1'000'000'000> list = {};
  auto Fields() { return std::tie(list); }
};

TEST(Codec, AnnouncedElementsThatDidNotComeTakeNoMemory) {
  Wire wire = {.bytes = {0x00, 0xca, 0x9a, 0x3b}, .descriptors = {}, .status = {}};
  Huge message;
  EXPECT_FALSE(Decode(wire, message).ok());
  EXPECT_LE(message.list.items.capacity(), 1u);
}

TEST(Codec, DescriptorsArriveAndMissingOrSurplusOnesAreMalformed) {
  const size_t before = OpenDescriptors();
  {
    WithDescriptors sent = {.file = {UniqueFd(eventfd(3, EFD_CLOEXEC))}};
    Wire wire = Encoded(sent);
    ASSERT_TRUE(wire.status.ok());
    ASSERT_EQ(wire.descriptors.size(), 1u);
    WithDescriptors got;
    ASSERT_TRUE(Decode(wire, got).ok());
    eventfd_t value = 0;
    EXPECT_EQ(eventfd_read(got.file.fd.get(), &value), 0);
    EXPECT_EQ(value, 3u);
    EXPECT_FALSE(got.log.has_value());

    Wire missing = Encoded(sent);
    missing.descriptors.clear();
    EXPECT_EQ(Text1(Decode(missing, got)), "Message field 1: its descriptor did not come");
    Wire surplus = Encoded(sent);
    surplus.descriptors.emplace_back(eventfd(0, EFD_CLOEXEC));
    EXPECT_EQ(Text1(Decode(surplus, got)), "Message: 1 descriptors left over");
    EXPECT_EQ(Text1(Encoded(WithDescriptors{}).status), "Message field 1: no descriptor");
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

struct Sealed {
  SealedMemory memory = {};
  auto Fields() { return std::tie(memory); }
};
struct Writable {
  WritableMemory memory = {};
  auto Fields() { return std::tie(memory); }
};

TEST(SharedMemory, SealedBytesArrive) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 4};
  Wire wire = Encoded(Sealed{.memory = *SealedMemory::Create("test", bytes)});
  Sealed got;
  ASSERT_TRUE(Decode(wire, got).ok());
  Mapping mapping;
  ASSERT_EQ(got.memory.Map(mapping), 0);
  EXPECT_EQ(std::vector<uint8_t>(mapping.bytes().begin(), mapping.bytes().end()), bytes);
}

TEST(SharedMemory, WritableMemoryIsTheSameForBoth) {
  Writable sent = {.memory = *WritableMemory::Create("test", 8192)};
  Wire wire = Encoded(sent);
  Writable got;
  ASSERT_TRUE(Decode(wire, got).ok());
  Mapping here;
  Mapping there;
  ASSERT_EQ(sent.memory.Map(here), 0);
  ASSERT_EQ(got.memory.Map(there), 0);
  here.bytes()[8191] = 7;
  EXPECT_EQ(there.bytes()[8191], 7);
  EXPECT_NE(ftruncate(got.memory.fd(), 0), 0) << "it could be cut short";
}

TEST(SharedMemory, UnsealedResizedOrForeignOnesAreMalformed) {
  const auto read = [](UniqueFd fd, uint64_t size) {
    Wire wire;
    wire.bytes.resize(8);
    memcpy(wire.bytes.data(), &size, 8);
    wire.descriptors.push_back(std::move(fd));
    Sealed got;
    return Text1(Decode(wire, got));
  };
  const std::vector<uint8_t> bytes(100);
  const auto memfd = [&](int seals) {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), 100);
    EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
    return fd;
  };
  const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  EXPECT_EQ(read(memfd(all), 100), "");
  EXPECT_EQ(read(memfd(all), 99), "Message field 1: shared memory of another size");
  EXPECT_EQ(read(memfd(F_SEAL_SHRINK | F_SEAL_GROW), 100),
            "Message field 1: shared memory without its seals");
  EXPECT_EQ(read(memfd(F_SEAL_WRITE | F_SEAL_GROW), 100),
            "Message field 1: shared memory without its seals");
  EXPECT_EQ(read(UniqueFd(eventfd(0, EFD_CLOEXEC)), 100),
            "Message field 1: shared memory that is no memfd");
}

struct TooLarge {
  static constexpr std::string_view kName = "TooLarge";
  Bytes<kMaxPayloadBytes> bytes = {};
  auto Fields() { return std::tie(bytes); }
};
static_assert(!FitsAPacket<TooLarge>() && FitsAPacket<Everything>());

}  // namespace
}  // namespace forkserver
