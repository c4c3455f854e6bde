// The fields of actors' messages and replies, as their receiver reads them: any bytes with any
// descriptors are such a message or an error, and a message that was read is written as exactly the
// bytes that it came from. No descriptor is left over, whatever became of it.
//
// The first byte says which message, the second how many descriptors (at most 7), of which kinds
// the next ones say.
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/fuzz/descriptor_census.h"
#include "tests/fuzz/fuzzed_descriptor.h"
#include "tests/fuzz/fuzzed_protocol.h"
#include "tests/fuzz/require.h"
#include "transceiver/actor/codec.h"
#include "transceiver/byte_order.h"

namespace forkserver {
namespace {

template <typename Message>
void FuzzMessage(std::span<const uint8_t> payload, std::span<UniqueFd> descriptors) {
  if (payload.size() > MaxEncodedBytes<Message>()) return;
  Message message{};
  FieldReader in(payload, descriptors);
  const absl::Status read = DecodeMessage(in, "Fuzzed", message);
  if (!read.ok()) {
    Require(absl::IsInvalidArgument(read));
    Require(absl::string_view(read.message()).substr(0, 6) == "Fuzzed");
    return;
  }
  static std::array<uint8_t, kMaxPayloadBytes> buffer;
  FieldWriter out(buffer);
  EncodeMessage(out, message);
  Require(out.status("Fuzzed").ok());
  Require(out.descriptors().size() == descriptors.size());
  std::vector<uint8_t> written;
  for (const iovec& part : out.payload()) {
    const uint8_t* const bytes = static_cast<const uint8_t*>(part.iov_base);
    written.insert(written.end(), bytes, bytes + part.iov_len);
  }
  Require(std::equal(written.begin(), written.end(), payload.begin(), payload.end()));
}

using Fuzzer = void (*)(std::span<const uint8_t> payload, std::span<UniqueFd> descriptors);

template <typename... Message>
std::vector<Fuzzer> FuzzersOf(MessageList<Message...>*) {
  std::vector<Fuzzer> all = {&FuzzMessage<Message>...};
  const auto add_reply = [&all]<typename M>(M*) {
    if constexpr (HasReply<M>) all.push_back(&FuzzMessage<ReplyOf<M>>);
  };
  (add_reply(static_cast<Message*>(nullptr)), ...);
  return all;
}

void FuzzFields(std::span<const uint8_t> input) {
  static const std::vector<Fuzzer> kFuzzers =
      FuzzersOf(static_cast<FuzzedProtocol::Messages*>(nullptr));
  ByteReader in(input);
  const uint8_t which = in.U8();
  const uint8_t count = in.U8() % 8;
  const std::span<const uint8_t> kinds = in.Bytes(count);
  if (!in.ok()) return;
  const std::span<const uint8_t> rest = in.Bytes(in.remaining());
  // Of exactly that size, where sanitizers see a read beyond it.
  const std::vector<uint8_t> payload(rest.begin(), rest.end());
  const DescriptorCensus census;
  {
    std::vector<UniqueFd> descriptors;
    for (const uint8_t kind : kinds) descriptors.push_back(FuzzedDescriptor(kind));
    kFuzzers[which % kFuzzers.size()](payload, descriptors);
  }
  census.RequireSame();
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkserver::FuzzFields({data, size});
  return 0;
}
