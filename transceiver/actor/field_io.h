// Where the fields of one message are written to and read from, with the descriptors beside them.
//
//     FieldWriter out(buffer);                    FieldReader in(payload, descriptors);
//     out.BeginField();                           in.BeginField();
//     if (out.Allows(n, 256, "bytes")) ...        if (in.Allows(n, 256, "bytes")) ...
//     out.status("GetAssistance")                 in.End("GetAssistance")
//
// Both are sticky, as ByteWriter: after the first fault every later field is dropped or reads as
// nothing, and the status names the message, the field (from 1) and the limit:
// "GetAssistance field 1: 300 bytes, at most 256".
//
// Ownership: the writer borrows the descriptors that it is given. The reader borrows payload and
// list; a field takes its descriptors out of the list, and who owns the list closes the rest.
#ifndef TRANSCEIVER_ACTOR_FIELD_IO_H_
#define TRANSCEIVER_ACTOR_FIELD_IO_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "transceiver/close_strangers.h"
#include "transceiver/frame.h"
#include "transceiver/launch_path.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// The first fault of a message, for both directions.
class FieldFaults {
 public:
  bool ok() const { return fault_.empty(); }
  // Of the message's own fields: those of a nested one belong to the one that holds it.
  void BeginField() { ++field_; }
  void Fail(std::string_view fault);
  // Whether `found` is within the limit; if not, the fault says so: "300 bytes, at most 256".
  bool Allows(uint64_t found, uint64_t limit, std::string_view unit) {
    if (found <= limit) return ok();
    FailLimit(found, limit, unit);
    return false;
  }
  // InvalidArgument, or Ok.
  absl::Status status(std::string_view message) const;

 private:
  void FailLimit(uint64_t found, uint64_t limit, std::string_view unit);

  int field_ = 0;
  std::string fault_;
};

class FieldWriter : public FieldFaults {
 public:
  explicit FieldWriter(std::span<uint8_t> buffer) : buffer_(buffer) {}

  template <typename T>
  void Number(T value) {
    Put(&value, sizeof(value));
  }
  FORKSERVER_LAUNCH_PATH void Put(const void* bytes, size_t count) {
    if (count > buffer_.size() - size_) return Fail("the message is over its own limit");
    if (count != 0) memcpy(buffer_.data() + size_, bytes, count);
    size_ += count;
  }
  // Bytes that stay where they are until the message is sent: what is long is not copied.
  void PutBorrowed(const void* bytes, size_t count) {
    // What was written before it, itself, and what is written behind it.
    if (count < kWorthBorrowing || part_count_ + 3 > kMaxPayloadParts) return Put(bytes, count);
    EndPart();
    parts_[part_count_++] = {const_cast<void*>(bytes), count};
    borrowed_ += count;
  }
  void Descriptor(int fd) {
    if (fd < 0) return Fail("no descriptor");
    if (descriptor_count_ == kMaxDescriptors) return Fail("too many descriptors");
    descriptors_[descriptor_count_++] = fd;
  }

  // The whole payload, when the last field is written.
  PayloadParts payload() {
    EndPart();
    return {parts_, part_count_};
  }
  size_t size() const { return size_ + borrowed_; }
  std::span<const int> descriptors() const { return {descriptors_, descriptor_count_}; }

 private:
  // Below it a copy costs less than the kernel's look at one more part.
  static constexpr size_t kWorthBorrowing = 2048;

  // What was written since the last borrowed bytes becomes a part.
  void EndPart() {
    if (size_ == part_begin_) return;
    parts_[part_count_++] = {buffer_.data() + part_begin_, size_ - part_begin_};
    part_begin_ = size_;
  }

  std::span<uint8_t> buffer_;
  size_t size_ = 0;
  size_t part_begin_ = 0;
  size_t borrowed_ = 0;
  size_t part_count_ = 0;
  iovec parts_[kMaxPayloadParts];
  size_t descriptor_count_ = 0;
  int descriptors_[kMaxDescriptors];
};

class FieldReader : public FieldFaults {
 public:
  FieldReader(std::span<const uint8_t> payload, std::span<UniqueFd> descriptors)
      : payload_(payload), descriptors_(descriptors) {}

  template <typename T>
  T Number() {
    T value{};
    const std::span<const uint8_t> bytes = Bytes(sizeof(T));
    if (bytes.size() == sizeof(T)) memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  FORKSERVER_LAUNCH_PATH std::span<const uint8_t> Bytes(size_t count) {
    if (!ok()) return {};
    if (count > payload_.size()) {
      Fail("the message ends in it");
      return {};
    }
    const std::span<const uint8_t> bytes = payload_.first(count);
    payload_ = payload_.subspan(count);
    return bytes;
  }
  StrangersFd Descriptor() {
    if (!ok()) return {};
    if (descriptors_.empty()) {
      Fail("its descriptor did not come");
      return {};
    }
    StrangersFd fd = StrangersFd::Received(std::move(descriptors_.front()));
    descriptors_ = descriptors_.subspan(1);
    return fd;
  }

  // After the last field: Ok, or InvalidArgument with what was wrong, left-overs included.
  absl::Status End(std::string_view message) const;

 private:
  std::span<const uint8_t> payload_;
  std::span<UniqueFd> descriptors_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_FIELD_IO_H_
