// A template's loop, in this process and without a fork: it answers each packet of a mad host once,
// whatever is in it, until a Shutdown or the end, and keeps none of its descriptors.
//
// The cloner is a stand-in: it refuses, or names a child that is none. An input is packets of the
// form {kind, number of descriptors, length, bytes}: with kind 0 to 9 the bytes are the payload of
// a message of that type, of a frame that fits it; with others they are the packet.
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <array>
#include <string_view>
#include <vector>

#include "forkserver/server/clone_process.h"
#include "forkserver/server/fork_loop.h"
#include "tests/fuzz/descriptor_census.h"
#include "tests/fuzz/fuzzed_descriptor.h"
#include "tests/fuzz/require.h"
#include "tests/testing/send_raw.h"
#include "transceiver/byte_order.h"
#include "transceiver/frame.h"
#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

constexpr size_t kMostPackets = 32;
// fork_loop.cc's bound on a payload; a larger packet is rejected.
constexpr size_t kRequestBytes = 1024;
constexpr pid_t kNobody = 7;

int clones = 0;

}  // namespace

ProcessCloner ProcessCloner::Prepare(pid_t*) { return {}; }

// Every third time there is no memory.
ClonedProcess ProcessCloner::Clone(ChildParent, pid_t* told) const {
  Require(told != nullptr && *told == 0);
  if (++clones % 3 == 0) return {.pid = -ENOMEM, .pidfd = UniqueFd()};
  *told = kNobody;
  return {.pid = kNobody, .pidfd = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC))};
}

namespace {

struct HostPacket {
  std::vector<uint8_t> bytes;
  std::vector<UniqueFd> descriptors;

  bool IsNothing() const { return bytes.empty() && descriptors.empty(); }
  bool IsGood(uint16_t type) const {
    Frame frame;
    return DecodeFrame(bytes, frame) == FrameError::kNone &&
           CheckFrameAgainstPacket(frame, bytes.size(), descriptors.size()) == FrameError::kNone &&
           bytes.size() <= kFrameBytes + kRequestBytes && frame.type == type &&
           CheckMessage(frame, MessageDirection::kFromHost) == MessageCheck::kGood;
  }
};

HostPacket TakePacket(ByteReader& in) {
  const uint8_t kind = in.U8();
  const uint8_t count = in.U8();
  const size_t length = std::min<size_t>(in.U16(), in.remaining());
  const std::span<const uint8_t> bytes = in.Bytes(length);
  HostPacket packet;
  for (uint8_t i = 0; i < count % 4; ++i) {
    packet.descriptors.push_back(FuzzedDescriptor(static_cast<uint8_t>(count / 4 + i)));
  }
  if (kind <= kShutdown) {
    packet.bytes.resize(kFrameBytes);
    EncodeFrame({.type = kind,
                 .request_id = length + 1,
                 .payload_size = static_cast<uint32_t>(length),
                 .descriptor_count = count % 4u,
                 .flags = count >= 0xf0 ? uint32_t{kBlank} : uint32_t{kNoFlags}},
                std::span<uint8_t, kFrameBytes>(packet.bytes.data(), kFrameBytes));
  }
  packet.bytes.insert(packet.bytes.end(), bytes.begin(), bytes.end());
  return packet;
}

// How many of the packets are answered: all up to a Shutdown. An empty one behind which no byte
// follows cannot be told from the end of the file.
size_t AnsweredOf(const std::vector<HostPacket>& packets) {
  size_t bytes_end = packets.size();
  while (bytes_end > 0 && packets[bytes_end - 1].bytes.empty()) --bytes_end;
  for (size_t i = 0; i < packets.size(); ++i) {
    if (packets[i].IsGood(kShutdown) || (i >= bytes_end && packets[i].IsNothing())) return i;
  }
  return packets.size();
}

void RequireAnswer(const HostPacket& asked, Packet& answer) {
  const Frame& frame = answer.frame();
  Require(CheckMessage(frame, MessageDirection::kToHost) == MessageCheck::kGood);
  Frame question;
  const FrameError error = DecodeFrame(asked.bytes, question);
  if (error == FrameError::kNone) Require(frame.request_id == question.request_id);
  if (asked.IsGood(kPing)) {
    Require(frame.type == kPong);
    const std::span<const uint8_t> payload = answer.payload();
    Require(std::equal(payload.begin(), payload.end(), asked.bytes.begin() + kFrameBytes,
                       asked.bytes.end()));
    return;
  }
  if (frame.type == kForked) {
    Require(asked.IsGood(kFork));
    ForkedMessage forked;
    Require(Decode(answer.payload(), forked) && forked.pid == kNobody);
    return;
  }
  FailedMessage failed;
  Require(frame.type == kFailed && Decode(answer.payload(), failed));
  Require(failed.error == ENOMEM || !asked.IsGood(kFork));
  Require(failed.error > 0);
}

void FuzzLoop(std::span<const uint8_t> input) {
  const DescriptorCensus census;
  {
    clones = 0;
    SocketPair pair;
    Require(CreateSocketPair(pair) == 0);
    ByteReader in(input);
    std::vector<HostPacket> packets;
    while (in.remaining() > 0 && packets.size() < kMostPackets) {
      HostPacket packet = TakePacket(in);
      if (!SendRaw(pair.first.get(), packet.bytes, packet.descriptors)) break;
      packets.push_back(std::move(packet));
    }
    Require(shutdown(pair.first.get(), SHUT_WR) == 0);

    static const ProcessCloner kCloner = ProcessCloner::Prepare(nullptr);
    static const ProcessImage kImage;
    static const ChildPrograms kPrograms;
    static const SandboxReport kSandbox;
    alignas(BirthRecord) static std::array<uint8_t, BirthRecord::kBytes> page;
    BirthRecord& births = *new (page.data()) BirthRecord{};
    ForkLoop loop = {.socket = pair.second.get(),
                     .births = &births,
                     .cloner = kCloner,
                     .image = kImage,
                     .programs = kPrograms,
                     .sandbox = kSandbox,
                     .own_layers = {},
                     .learning = Learning::kOff};
    std::string_view call;
    Require(loop.Map(call) == 0);
    Require(loop.Run() == 0);

    static std::array<uint8_t, kMaxPayloadBytes> buffer;
    Packet answer(buffer);
    const size_t answered = AnsweredOf(packets);
    for (size_t i = 0; i < answered; ++i) {
      Require(ReceivePacket(pair.first.get(), Blocking::kNever, answer) == PacketOutcome::kMessage);
      RequireAnswer(packets[i], answer);
    }
    Require(ReceivePacket(pair.first.get(), Blocking::kNever, answer) ==
            PacketOutcome::kWouldBlock);
  }
  census.RequireSame();
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkserver::FuzzLoop({data, size});
  return 0;
}
