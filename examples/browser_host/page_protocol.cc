#include "examples/browser_host/page_protocol.h"

#include <algorithm>
#include <vector>

#include "transceiver/byte_order.h"

namespace browser_host {
namespace {

using forkserver::ByteReader;
using forkserver::ByteWriter;

enum class Item : uint8_t { kTitle = 1, kHeading = 2, kLink = 3 };

constexpr size_t kMaxText = 4096;
constexpr size_t kMaxItem = kMaxText + 6;
// What a host keeps of one page, however much a process sends.
constexpr size_t kMaxItems = 100'000;

std::string_view Cut(std::string_view text) {
  text = text.substr(0, std::min(kMaxText, text.find('\0')));
  return text;
}

class ItemSender {
 public:
  explicit ItemSender(forkserver::MiniTransceiver& channel) : channel_(channel) {}

  void Add(Item kind, std::string_view text) {
    if (out_.size() + kMaxItem > buffer_.size()) Flush();
    out_.U8(static_cast<uint8_t>(kind));
    out_.String(Cut(text));
  }

  int Flush() {
    if (error_ == 0 && out_.size() > 0) {
      error_ = channel_.Send({.type = kPageItems}, out_.written());
    }
    out_ = ByteWriter(buffer_);
    return error_;
  }

 private:
  forkserver::MiniTransceiver& channel_;
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(forkserver::kMaxPayloadBytes);
  ByteWriter out_{buffer_};
  int error_ = 0;
};

}  // namespace

int SendSummary(forkserver::MiniTransceiver& channel, const PageSummary& summary,
                std::string_view error) {
  ItemSender items(channel);
  items.Add(Item::kTitle, summary.title);
  for (const std::string& heading : summary.headings) items.Add(Item::kHeading, heading);
  for (const std::string& link : summary.links) items.Add(Item::kLink, link);
  if (const int failed = items.Flush(); failed != 0) return failed;
  std::vector<uint8_t> done(kMaxItem + sizeof(uint64_t));
  ByteWriter out(done);
  out.U64(summary.text_bytes);
  out.String(Cut(error));
  return channel.Send({.type = kPageDone}, out.written());
}

bool AddItems(std::span<const uint8_t> payload, PageSummary& summary) {
  ByteReader in(payload);
  while (in.remaining() > 0) {
    const Item kind = static_cast<Item>(in.U8());
    std::string text(in.String());
    if (!in.ok() || summary.headings.size() + summary.links.size() > kMaxItems) return false;
    switch (kind) {
      case Item::kTitle:
        summary.title = std::move(text);
        break;
      case Item::kHeading:
        summary.headings.push_back(std::move(text));
        break;
      case Item::kLink:
        summary.links.push_back(std::move(text));
        break;
      default:
        return false;
    }
  }
  return in.AtEnd();
}

bool ReadDone(std::span<const uint8_t> payload, PageSummary& summary, std::string& error) {
  ByteReader in(payload);
  summary.text_bytes = in.U64();
  error = in.String();
  return in.AtEnd();
}

}  // namespace browser_host
