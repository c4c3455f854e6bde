// Fields of bytes with a limit in their type.
//
//     struct Page {
//       Text<256> title = {};          // owns a std::string
//       Bytes<1024> icon = {};         // owns a std::vector<uint8_t>
//       BytesView<60'000> body = {};   // borrows: nothing is copied but into the socket and out
//       auto Fields() { return std::tie(title, icon, body); }
//     };
//     page.title = "Home"; use(page.title.view());
//
// The limit is checked when a message is sent and when it is received, not on assignment. Text is
// any bytes, NULs too: no encoding is checked. A BytesView must live at the sender until Send has
// returned; at the receiver it points into the packet and is gone when the handler has returned,
// or the callback of a call. (CallAndWait hands its reply out, so a reply with a view is no reply
// for it and does not compile.)
//
// On the wire: u32 length and the bytes.
#ifndef TRANSCEIVER_ACTOR_TEXT_H_
#define TRANSCEIVER_ACTOR_TEXT_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transceiver/actor/codec.h"
#include "transceiver/launch_path.h"

namespace forkserver {

template <size_t kLimit>
class Text {
 public:
  Text() = default;
  Text(std::string text) : text_(std::move(text)) {}
  Text(std::string_view text) : text_(text) {}
  Text(const char* text) : text_(text) {}

  const std::string& str() const { return text_; }
  std::string_view view() const { return text_; }
  operator std::string_view() const { return text_; }
  void assign(std::string_view text) { text_.assign(text); }
  friend bool operator==(const Text& a, const Text& b) = default;
  friend bool operator==(const Text& a, std::string_view b) { return a.text_ == b; }
  friend bool operator==(const Text& a, const char* b) { return a.text_ == b; }

 private:
  std::string text_;
};

template <size_t kLimit>
struct Bytes {
  std::vector<uint8_t> data = {};
};

template <size_t kLimit>
struct BytesView {
  std::span<const uint8_t> data = {};
};

// Length and bytes of all three.
template <size_t kLimit>
struct RunCodec : PlainCodec<sizeof(uint32_t) + kLimit> {
  static_assert(kLimit <= UINT32_MAX);
  static void PutRun(FieldWriter& out, const void* bytes, size_t size) {
    if (!out.Allows(size, kLimit, "bytes")) return;
    out.Number(static_cast<uint32_t>(size));
    out.PutBorrowed(bytes, size);
  }
  static std::span<const uint8_t> GetRun(FieldReader& in) {
    const uint32_t size = in.Number<uint32_t>();
    if (!in.Allows(size, kLimit, "bytes")) return {};
    return in.Bytes(size);
  }
};

template <size_t kLimit>
struct Codec<Text<kLimit>> : RunCodec<kLimit> {
  static void Put(FieldWriter& out, const Text<kLimit>& text) {
    Codec::PutRun(out, text.view().data(), text.view().size());
  }
  FORKSERVER_LAUNCH_PATH static void Get(FieldReader& in, Text<kLimit>& text) {
    const std::span<const uint8_t> run = Codec::GetRun(in);
    text.assign({reinterpret_cast<const char*>(run.data()), run.size()});
  }
};

template <size_t kLimit>
struct Codec<Bytes<kLimit>> : RunCodec<kLimit> {
  static void Put(FieldWriter& out, const Bytes<kLimit>& bytes) {
    Codec::PutRun(out, bytes.data.data(), bytes.data.size());
  }
  static void Get(FieldReader& in, Bytes<kLimit>& bytes) {
    const std::span<const uint8_t> run = Codec::GetRun(in);
    bytes.data.assign(run.begin(), run.end());
  }
};

template <size_t kLimit>
struct Codec<BytesView<kLimit>> : RunCodec<kLimit> {
  static constexpr bool kHasView = true;
  static void Put(FieldWriter& out, const BytesView<kLimit>& view) {
    Codec::PutRun(out, view.data.data(), view.data.size());
  }
  static void Get(FieldReader& in, BytesView<kLimit>& view) { view.data = Codec::GetRun(in); }
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_TEXT_H_
