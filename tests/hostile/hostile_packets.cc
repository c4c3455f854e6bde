#include "tests/hostile/hostile_packets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "tests/testing/send_raw.h"
#include "tests/testing/socket_that_lingers.h"
#include "transceiver/packet.h"

namespace forkserver::testing {
namespace {

std::vector<uint8_t> FrameBytes(const Frame& frame) {
  std::vector<uint8_t> bytes(kFrameBytes);
  EncodeFrame(frame, std::span<uint8_t, kFrameBytes>(bytes.data(), kFrameBytes));
  return bytes;
}

HostilePacket Bytes(std::string name, std::vector<uint8_t> bytes) {
  HostilePacket packet;
  packet.name = std::move(name);
  packet.bytes = std::move(bytes);
  return packet;
}

// A good Pong but for one byte.
HostilePacket WithByte(std::string name, size_t at, uint8_t value) {
  std::vector<uint8_t> bytes = FrameBytes({.type = kPong, .request_id = 1});
  bytes[at] = value;
  return Bytes(std::move(name), std::move(bytes));
}

std::vector<UniqueFd> One(UniqueFd fd) {
  std::vector<UniqueFd> list;
  list.push_back(std::move(fd));
  return list;
}

UniqueFd Open(const char* path, int flags) { return UniqueFd(open(path, flags | O_CLOEXEC)); }

// One end, in whose other end's queue lies another socket.
UniqueFd SocketThatCarriesASocket() {
  SocketPair outer;
  SocketPair inner;
  if (CreateSocketPair(outer) != 0 || CreateSocketPair(inner) != 0) abort();
  const int fd = inner.first.get();
  if (SendPacket(outer.second.get(), Blocking::kNever, {.type = kPong}, {}, {&fd, 1}) != 0) abort();
  return std::move(outer.first);
}

}  // namespace

bool HostilePacket::SendOn(int socket) const { return SendRaw(socket, bytes, descriptors); }

HostilePacket Message(std::string name, const Frame& frame, std::vector<uint8_t> payload,
                      std::vector<UniqueFd> descriptors) {
  Frame honest = frame;
  honest.payload_size = static_cast<uint32_t>(payload.size());
  honest.descriptor_count = static_cast<uint32_t>(descriptors.size());
  std::vector<uint8_t> bytes = FrameBytes(honest);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  HostilePacket packet = Bytes(std::move(name), std::move(bytes));
  packet.descriptors = std::move(descriptors);
  return packet;
}

std::vector<HostilePacket> MalformedPackets() {
  std::vector<HostilePacket> packets;
  packets.push_back(Bytes("an empty packet", {}));
  packets.push_back(
      {.name = "an empty packet with a descriptor", .descriptors = One(Open("/dev/null", O_RDWR))});
  packets.push_back(Bytes("one byte", {0x46}));
  packets.push_back(Bytes("half a frame", std::vector<uint8_t>(kFrameBytes / 2, 0)));
  packets.push_back(Bytes("a frame of zeros", std::vector<uint8_t>(kFrameBytes, 0)));
  packets.push_back(Bytes("64 KiB of ones", std::vector<uint8_t>(kMaxMessageBytes, 0xff)));
  packets.push_back(WithByte("another magic", 0, 0x47));
  packets.push_back(WithByte("another version", 4, 77));
  packets.push_back(WithByte("a reserved byte", 28, 1));
  packets.push_back(WithByte("an unknown flag", 27, 0x80));
  packets.push_back(WithByte("a payload that is not there", 16, 10));
  packets.push_back(WithByte("4 GiB that are not there", 19, 0xff));
  packets.push_back(WithByte("a descriptor that is not there", 20, 1));
  packets.push_back(WithByte("4 billion descriptors that are not there", 23, 0xff));
  std::vector<uint8_t> longer = FrameBytes({.type = kPong, .request_id = 1});
  longer.push_back(0);
  packets.push_back(Bytes("a byte more than its frame says", std::move(longer)));
  packets.push_back({.name = "a descriptor that its frame does not name",
                     .bytes = FrameBytes({.type = kPong, .request_id = 1}),
                     .descriptors = One(Open("/dev/null", O_RDWR))});
  std::vector<uint8_t> too_large =
      FrameBytes({.type = kPong, .request_id = 1, .payload_size = kMaxPayloadBytes});
  too_large.resize(kMaxMessageBytes + 4096);
  packets.push_back(Bytes("more than a message may be", std::move(too_large)));
  return packets;
}

std::vector<HostilePacket> MisplacedMessages() {
  std::vector<HostilePacket> packets;
  std::vector<uint16_t> types = {0, 10, 0x0fff, kFirstApplicationType, 0xffff};
  for (const MessageRow& row : MessageCatalogue()) types.push_back(row.type);
  for (const uint16_t type : types) {
    for (const size_t size : {size_t{0}, size_t{20}, size_t{400}, kMaxPayloadBytes}) {
      packets.push_back(Message(absl::StrFormat("type %d with %d bytes", type, size),
                                {.type = type, .request_id = 1}, std::vector<uint8_t>(size, 0xa5)));
    }
  }
  return packets;
}

std::vector<HostilePacket> WithDescriptors(uint16_t type, pid_t bystander) {
  UniqueFd peer;
  std::vector<std::pair<std::string, UniqueFd>> kinds;
  kinds.emplace_back("/dev/zero", Open("/dev/zero", O_RDWR));
  kinds.emplace_back("a folder", Open("/", O_PATH | O_DIRECTORY));
  kinds.emplace_back("a memfd", UniqueFd(memfd_create("hostile", MFD_CLOEXEC)));
  kinds.emplace_back("an eventfd", UniqueFd(eventfd(0, EFD_CLOEXEC)));
  kinds.emplace_back("an epoll", UniqueFd(epoll_create1(EPOLL_CLOEXEC)));
  kinds.emplace_back("a socket that carries a socket", SocketThatCarriesASocket());
  kinds.emplace_back("a socket that lingers", SocketThatLingers(peer));
  for (const pid_t pid : {bystander, getpid(), getppid(), pid_t{1}}) {
    kinds.emplace_back(absl::StrFormat("the pidfd of %d", pid),
                       UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))));
  }
  std::vector<HostilePacket> packets;
  for (auto& [name, fd] : kinds) {
    packets.push_back(Message("with " + name, {.type = type, .request_id = 1},
                              std::vector<uint8_t>(20, 0), One(std::move(fd))));
  }
  packets.front().kept = One(std::move(peer));
  std::vector<UniqueFd> most;
  for (size_t i = 0; i < kMaxDescriptors; ++i) most.push_back(Open("/dev/null", O_RDWR));
  packets.push_back(Message("with 253 descriptors", {.type = type, .request_id = 1},
                            std::vector<uint8_t>(20, 0), std::move(most)));
  return packets;
}

}  // namespace forkserver::testing
