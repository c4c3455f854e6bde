#include "forkserver/server/hello.h"

#include <string.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "transceiver/byte_order.h"
#include "transceiver/frame.h"

namespace forkserver {
namespace {

constexpr size_t kMaxText = 256;
constexpr size_t kMaxWarmUps = kMaxPayloadBytes / (2 * kMaxText + 64);

std::string_view Cut(std::string_view text) {
  // A NUL would end it for the reader.
  return text.substr(0, std::min(kMaxText, text.find('\0')));
}

// A number that names one of `Enum`'s values.
template <typename Enum>
bool DecodeEnum(ByteReader& in, Enum past_the_last, Enum& value) {
  const uint32_t number = in.U32();
  value = static_cast<Enum>(number);
  return number < static_cast<uint32_t>(past_the_last);
}

bool DecodeFreeze(ByteReader& in, FreezeReport& freeze) {
  constexpr auto kMethods = static_cast<FreezeMethod>(static_cast<int>(FreezeMethod::kMemfd) + 1);
  if (!DecodeEnum(in, kMethods, freeze.method) ||
      !DecodeEnum(in, FreezeStep::kCount, freeze.stopped_at)) {
    return false;
  }
  freeze.error = in.I32();
  freeze.coredump_filter_error = in.I32();
  freeze.started_at = in.I64();
  freeze.nanos = in.I64();
  freeze.bytes = in.U64();
  freeze.mappings = in.U32();
  freeze.collapsed_bytes = in.U64();
  freeze.still_frozen_bytes = in.U64();
  const uint32_t left_out = in.U32();
  if (left_out > FreezeReport::kMostLeftOut) return false;
  for (FreezeReport::LeftOut& entry : std::span(freeze.left_out_entries).first(left_out)) {
    if (!DecodeEnum(in, LeaveOutReason::kCount, entry.why)) return false;
    entry.mappings = in.U32();
    entry.bytes = in.U64();
    entry.largest_bytes = in.U64();
    const std::string_view largest = in.String();
    largest.copy(entry.largest, sizeof(entry.largest) - 1);
  }
  freeze.left_out_count = left_out;
  return true;
}

}  // namespace

std::span<const uint8_t> Encode(const HelloMessage& message, std::span<uint8_t> buffer) {
  ByteWriter out(buffer);
  out.U32(message.protocol_version);
  out.U64(message.build_id);
  out.I32(message.pid);
  out.U32(message.capabilities);
  out.I64(message.started_at);
  out.I64(message.serving_at);
  const size_t count = std::min(message.warm_ups.size(), kMaxWarmUps);
  out.U32(static_cast<uint32_t>(count));
  for (const WarmUpReport& report : std::span(message.warm_ups).first(count)) {
    out.String(Cut(report.name));
    out.I64(report.started_at);
    out.I64(report.nanos);
    out.I64(report.anonymous_kib);
    out.I64(report.page_table_kib);
    out.I64(report.descriptors);
    out.String(Cut(report.error));
  }
  const FreezeReport& freeze = message.freeze;
  out.U32(static_cast<uint32_t>(freeze.method));
  out.U32(static_cast<uint32_t>(freeze.stopped_at));
  out.I32(freeze.error);
  out.I32(freeze.coredump_filter_error);
  out.I64(freeze.started_at);
  out.I64(freeze.nanos);
  out.U64(freeze.bytes);
  out.U32(freeze.mappings);
  out.U64(freeze.collapsed_bytes);
  out.U64(freeze.still_frozen_bytes);
  out.U32(freeze.left_out_count);
  for (const FreezeReport::LeftOut& entry : freeze.left_out()) {
    out.U32(static_cast<uint32_t>(entry.why));
    out.U32(entry.mappings);
    out.U64(entry.bytes);
    out.U64(entry.largest_bytes);
    out.String(Cut({entry.largest, strnlen(entry.largest, sizeof(entry.largest))}));
  }
  Encode(message.sandbox, out);
  return out.written();
}

absl::StatusOr<HelloMessage> DecodeHello(std::span<const uint8_t> payload) {
  ByteReader in(payload);
  HelloMessage message;
  message.protocol_version = in.U32();
  message.build_id = in.U64();
  message.pid = in.I32();
  message.capabilities = in.U32();
  message.started_at = in.I64();
  message.serving_at = in.I64();
  const uint32_t count = in.U32();
  if (count > kMaxWarmUps) return absl::InvalidArgumentError("Hello: too many warm-ups");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    WarmUpReport report;
    report.name = std::string(in.String());
    report.started_at = in.I64();
    report.nanos = in.I64();
    report.anonymous_kib = in.I64();
    report.page_table_kib = in.I64();
    report.descriptors = in.I64();
    report.error = std::string(in.String());
    message.warm_ups.push_back(std::move(report));
  }
  if (!in.ok() || !DecodeFreeze(in, message.freeze) || !Decode(in, message.sandbox) ||
      !in.AtEnd()) {
    return absl::InvalidArgumentError("Hello: malformed");
  }
  return message;
}

}  // namespace forkserver
