// Decodes pictures: compressed bytes come in a descriptor, pixels go back in shared memory.
#include <fcntl.h>
#include <png.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/sandbox_work/work_host.h"
#include "tests/testing/test_program.h"
#include "transceiver/mapping.h"
#include "transceiver/packet.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

using sandbox_work::Begin;
using sandbox_work::Check;
using sandbox_work::End;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::WorkHost;
using testing::HostSetup;

constexpr uint32_t kWidth = 640;
constexpr uint32_t kHeight = 480;
constexpr size_t kPixelBytes = size_t{3} * kWidth * kHeight;
constexpr int kPictureFd = 5;
constexpr int kPixelsSocket = 6;

std::vector<uint8_t> Pixels() {
  std::vector<uint8_t> pixels;
  for (uint32_t y = 0; y < kHeight; ++y) {
    for (uint32_t x = 0; x < kWidth; ++x) {
      pixels.insert(pixels.end(), {static_cast<uint8_t>(x * y), static_cast<uint8_t>(x ^ y),
                                   static_cast<uint8_t>(x + y)});
    }
  }
  return pixels;
}

std::vector<uint8_t> Encode(const std::vector<uint8_t>& pixels) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = kWidth;
  image.height = kHeight;
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  EXPECT_NE(png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr), 0);
  std::vector<uint8_t> bytes(size);
  EXPECT_NE(png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr),
            0);
  bytes.resize(size);
  return bytes;
}

struct DecodeError {
  std::string text;
};

void KeepError(png_structp png, png_const_charp text) {
  static_cast<DecodeError*>(png_get_error_ptr(png))->text = text;
  png_longjmp(png, 1);
}

void IgnoreWarning(png_structp, png_const_charp) {}

void ReadFromDescriptor(png_structp png, png_bytep data, size_t size) {
  const int fd = *static_cast<int*>(png_get_io_ptr(png));
  if (read(fd, data, size) != static_cast<ssize_t>(size)) png_error(png, "cut short");
}

// libpng's own way: an error is a longjmp. Nothing here has a destructor.
bool DecodeTo(uint8_t* pixels, int fd, DecodeError& error) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error, KeepError, IgnoreWarning);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_set_read_fn(png, &fd, ReadFromDescriptor);
  png_read_info(png, info);
  if (png_get_image_width(png, info) != kWidth || png_get_image_height(png, info) != kHeight) {
    png_error(png, "another size");
  }
  for (uint32_t y = 0; y < kHeight; ++y) {
    png_read_row(png, pixels + size_t{3} * kWidth * y, nullptr);
  }
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

std::string DecodePicture(ChildContext&) {
  // It is where whoever wrote it stopped.
  Check(lseek(kPictureFd, 0, SEEK_SET), "lseek");
  const UniqueFd shared(
      static_cast<int>(Check(memfd_create("pixels", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd")));
  Check(ftruncate(shared.get(), kPixelBytes), "ftruncate");
  Mapping pixels;
  if (pixels.Map(kPixelBytes, PROT_READ | PROT_WRITE, MAP_SHARED, shared.get()) != 0) Fail("mmap");
  DecodeError error;
  if (!DecodeTo(pixels.bytes().data(), kPictureFd, error)) return "error: " + error.text;
  pixels.Unmap();
  // So that the host may read it without fear.
  Check(fcntl(shared.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
        "F_ADD_SEALS");
  const int fd = shared.get();
  SendPacket(kPixelsSocket, Blocking::kWait, {.type = testing::kEcho}, {}, {&fd, 1});
  return "decoded";
}

struct Decoded {
  std::string said;
  std::vector<uint8_t> pixels;
};

Decoded DecodeInChild(ForkServer& server, const std::vector<uint8_t>& picture) {
  absl::StatusOr<UniqueFd> bytes = CreateSealedMemfd("picture", picture);
  if (!bytes.ok()) return {bytes.status().ToString(), {}};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return {"socketpair", {}};
  const UniqueFd mine(ends[0]);
  UniqueFd childs(ends[1]);
  LaunchOptions options;
  options.Map(bytes->get(), kPictureFd).Map(childs.get(), kPixelsSocket);
  absl::StatusOr<LaunchedChild> child =
      Begin(server, SandboxPolicyId::kDataDecoder, "decode", options);
  if (!child.ok()) return {child.status().ToString(), {}};
  childs.reset();
  Decoded decoded;
  uint8_t buffer[64];
  Packet packet(buffer);
  if (ReceivePacket(mine.get(), Blocking::kWait, packet) == PacketOutcome::kMessage) {
    const UniqueFd shared = packet.descriptors().Take(0);
    Mapping mapping;
    EXPECT_EQ(MapSealedMemfd(shared.get(), kPixelBytes, SealedAccess::kRead, mapping), 0);
    decoded.pixels.assign(mapping.bytes().begin(), mapping.bytes().end());
  }
  decoded.said = End(*std::move(child));
  return decoded;
}

HOST_TEST(DecoderWork, APictureIsDecodedIntoSharedMemory) {
  const std::vector<uint8_t> pixels = Pixels();
  const Decoded decoded = DecodeInChild(server, Encode(pixels));
  EXPECT_EQ(decoded.said, "decoded");
  EXPECT_TRUE(decoded.pixels == pixels);
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(DecoderWork, ABrokenPictureIsAnErrorAndNotADeath) {
  std::vector<uint8_t> picture = Encode(Pixels());
  picture[picture.size() / 2] ^= 0xff;
  EXPECT_EQ(DecodeInChild(server, picture).said.substr(0, 6), "error:");
  picture.resize(100);
  EXPECT_EQ(DecodeInChild(server, picture).said, "error: cut short");
  EXPECT_EQ(DecodeInChild(server, {'n', 'o', 'n', 'e', 0, 0, 0, 0}).said, "error: Not a PNG file");
  EXPECT_EQ(RefusedCalls(server), "");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  return WorkHost({{.name = "decode", .run = DecodePicture}}, {SandboxPolicyId::kDataDecoder});
}

}  // namespace forkserver
