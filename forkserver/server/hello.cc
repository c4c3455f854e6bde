#include "forkserver/server/hello.h"

#include <algorithm>
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

}  // namespace

std::vector<uint8_t> Encode(const HelloMessage& message) {
  std::vector<uint8_t> payload(kMaxPayloadBytes);
  ByteWriter out(payload);
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
    out.I64(report.nanos);
    out.I64(report.anonymous_kib);
    out.I64(report.page_table_kib);
    out.I64(report.descriptors);
    out.String(Cut(report.error));
  }
  payload.resize(out.size());
  return payload;
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
    report.nanos = in.I64();
    report.anonymous_kib = in.I64();
    report.page_table_kib = in.I64();
    report.descriptors = in.I64();
    report.error = std::string(in.String());
    message.warm_ups.push_back(std::move(report));
  }
  if (!in.AtEnd()) return absl::InvalidArgumentError("Hello: malformed");
  return message;
}

}  // namespace forkserver
