// Little-endian fields read from and written to bounded buffers, without allocation.
//
//     ByteWriter out(buffer);                     ByteReader in(payload);
//     out.U32(pid);                               uint32_t pid = in.U32();
//     out.String(name);                           std::string_view name = in.String();
//     if (!out.ok()) ...too long...               if (!in.AtEnd()) ...malformed...
//
// Both are sticky: after the first field that does not fit, every later one is dropped or reads
// as zero and `ok()` is false, so that a codec checks once, at its end. Strings and byte runs
// are a u32 length, the bytes, and a NUL behind them that is not counted; a String with a NUL
// inside is an error on both sides, so that a string read here can be used as a C string in
// place. What a reader returns points into its buffer.
#ifndef TRANSCEIVER_BYTE_ORDER_H_
#define TRANSCEIVER_BYTE_ORDER_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bit>
#include <span>
#include <string_view>

#include "transceiver/launch_path.h"
#include "transceiver/raw_bytes.h"

namespace forkserver {

static_assert(std::endian::native == std::endian::little,
              "the wire is little-endian and fields are copied as they stand");

class ByteWriter {
 public:
  explicit ByteWriter(std::span<uint8_t> buffer) : buffer_(buffer) {}

  void U8(uint8_t value) { Put(&value, sizeof(value)); }
  void U16(uint16_t value) { Put(&value, sizeof(value)); }
  void U32(uint32_t value) { Put(&value, sizeof(value)); }
  void U64(uint64_t value) { Put(&value, sizeof(value)); }
  void I32(int32_t value) { Put(&value, sizeof(value)); }
  void I64(int64_t value) { Put(&value, sizeof(value)); }

  void String(std::string_view text) {
    if (text.find('\0') != text.npos || text.size() > UINT32_MAX) {
      ok_ = false;
      return;
    }
    U32(static_cast<uint32_t>(text.size()));
    Put(text.data(), text.size());
    U8(0);
  }

  bool ok() const { return ok_; }
  size_t size() const { return size_; }
  std::span<const uint8_t> written() const { return buffer_.first(size_); }

 private:
  void Put(const void* bytes, size_t count) {
    if (!ok_ || count > buffer_.size() - size_) {
      ok_ = false;
      return;
    }
    if (count != 0) memcpy(buffer_.data() + size_, bytes, count);
    size_ += count;
  }

  std::span<uint8_t> buffer_;
  size_t size_ = 0;
  bool ok_ = true;
};

class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> buffer) : buffer_(buffer) {}

  uint8_t U8() { return Get<uint8_t>(); }
  uint16_t U16() { return Get<uint16_t>(); }
  uint32_t U32() { return Get<uint32_t>(); }
  uint64_t U64() { return Get<uint64_t>(); }
  int32_t I32() { return Get<int32_t>(); }
  int64_t I64() { return Get<int64_t>(); }

  FORKSERVER_LAUNCH_PATH std::string_view String() {
    const uint32_t size = U32();
    const std::span<const uint8_t> bytes = Bytes(size_t{size} + 1);
    if (!ok_) return {};
    const char* text = reinterpret_cast<const char*>(bytes.data());
    if (FindByte({text, bytes.size()}, '\0') != size) {
      ok_ = false;
      return {};
    }
    return {text, size};
  }

  FORKSERVER_LAUNCH_PATH std::span<const uint8_t> Bytes(size_t count) {
    if (!ok_ || count > buffer_.size() - position_) {
      ok_ = false;
      return {};
    }
    const std::span<const uint8_t> bytes = buffer_.subspan(position_, count);
    position_ += count;
    return bytes;
  }

  bool ok() const { return ok_; }
  // All fields were there and nothing is left over.
  bool AtEnd() const { return ok_ && position_ == buffer_.size(); }
  size_t position() const { return position_; }
  size_t remaining() const { return ok_ ? buffer_.size() - position_ : 0; }

 private:
  template <typename T>
  T Get() {
    T value{};
    const std::span<const uint8_t> bytes = Bytes(sizeof(T));
    if (ok_) memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  std::span<const uint8_t> buffer_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_BYTE_ORDER_H_
