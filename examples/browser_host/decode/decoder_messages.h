// What a content process and the data decoder say to each other, and what the parent says to both.
//
//     content -> parent    OpenDecoder     asks for an end of a line to the decoder
//     parent -> decoder    ServeDecoding   its end of one
//     content -> decoder   ReadHeader      the picture's bytes; answered with its size
//     content -> decoder   DecodePicture   the same bytes, and memory for the pixels
//
// The parent makes the line and hands out its ends. Neither bytes nor pixels pass it.
//
// The memory. Bytes of up to kMaxInlineBytes are in the message, more in a sealed memfd. The memory
// for the pixels is the content process's: compute-only, which the decoder runs under, has no
// memfd_create and no ftruncate, and whoever wants the picture is the one to say how much memory it
// is worth. What the decoder can do there is map what it is given. So a picture takes two calls:
// after the first the content process knows the size, and checks it.
//
// The pixels' memfd cannot be cut short or grow when it is sent (F_SEAL_SHRINK, F_SEAL_GROW). The
// decoder maps it, writes, and unmaps it before it answers. Then the content process seals it
// against writing (F_SEAL_WRITE), before it has looked at one pixel: the kernel refuses that as
// long as anybody has it mapped to write. From there on the pixels are as constant as the bytes
// were.
//
// What one could do to the other:
//
//   - A hostile content process: bytes that it goes on changing, or memory that it cuts short while
//     the decoder is in it, are no memfds with those seals, and end its line (a violation). It can
//     write to the pixels while they are written; they are its own, and the decoder takes nothing
//     from them but values of pixels. Memory that the machine has not got, or huge pages that run
//     out, are an errno of madvise(MADV_POPULATE_WRITE) and no SIGBUS. A picture that takes over
//     the decoder by a hole in a library has what compute-only leaves it, and the other lines: what
//     other content processes have decoded there from then on, it may see and change.
//   - A picture of the one may keep the others waiting, for kDecodePatience at most.
//   - A hostile decoder: wrong pixels, which nobody can tell; a size that is over the bounds, or
//     another one later, which is refused; no answer, which has a deadline; memory that it keeps
//     mapped, which cannot be sealed and is an error. Its answers hold no descriptors.
#ifndef EXAMPLES_BROWSER_HOST_DECODE_DECODER_MESSAGES_H_
#define EXAMPLES_BROWSER_HOST_DECODE_DECODER_MESSAGES_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string_view>
#include <tuple>

#include "absl/time/time.h"
#include "child/process/top_level_messages.h"
#include "examples/browser_host/decode/image.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace browser_host {

// Above it a memfd costs less than the copies into the socket and out, twice.
inline constexpr size_t kMaxInlineBytes = 32'768;
// What a complaint is cut to.
inline constexpr size_t kMaxComplaintBytes = 200;
// After it the decoder gives what it has of a picture (image.h says of which).
inline constexpr absl::Duration kDecodePatience = absl::Seconds(5);

// A picture's bytes: one of the two.
struct EncodedPicture {
  forkserver::BytesView<kMaxInlineBytes> bytes = {};
  std::optional<forkserver::Descriptor> sealed = {};
  auto Fields() { return std::tie(bytes, sealed); }
};

struct HeaderRead {
  ImageFormat format = ImageFormat::kPng;
  uint32_t width = 0;
  uint32_t height = 0;
  auto Fields() { return std::tie(format, width, height); }
};

// Refused with the decoder's error, of one line.
struct ReadHeader {
  static constexpr std::string_view kName = "ReadHeader";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = HeaderRead;
  EncodedPicture picture = {};
  auto Fields() { return std::tie(picture); }
};

struct PictureDecoded {
  HeaderRead header = {};
  uint32_t rows = 0;
  forkserver::Text<kMaxComplaintBytes> complaint = {};
  auto Fields() { return std::tie(header, rows, complaint); }
};

// The pixels' memory is as large as the header's pixels, or the call is refused.
struct DecodePicture {
  static constexpr std::string_view kName = "DecodePicture";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = PictureDecoded;
  EncodedPicture picture = {};
  forkserver::Descriptor pixels = {};
  auto Fields() { return std::tie(picture, pixels); }
};

// Between whoever wants pictures, the parent side, and the decoder.
struct Decoding {
  static constexpr std::string_view kName = "Decoding";
  using Messages = forkserver::MessageList<ReadHeader, DecodePicture>;
};
using ClientsEnd = forkserver::Endpoint<Decoding, forkserver::Side::kParent>;
using DecodersEnd = forkserver::Endpoint<Decoding, forkserver::Side::kChild>;

// For the protocols of content processes.
struct DecoderOpened {
  ClientsEnd end = {};
  auto Fields() { return std::tie(end); }
};
struct OpenDecoder {
  static constexpr std::string_view kName = "OpenDecoder";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = DecoderOpened;
  auto Fields() { return std::tie(); }
};

// The decoder's primary protocol.
struct ServeDecoding {
  static constexpr std::string_view kName = "ServeDecoding";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  uint64_t client = 0;  // whose earlier line ends with this one; 0: nobody's
  DecodersEnd end = {};
  auto Fields() { return std::tie(client, end); }
};
struct DecoderProtocol {
  static constexpr std::string_view kName = "DataDecoder";
  using Messages = forkserver::TopLevelMessages<ServeDecoding>;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DECODE_DECODER_MESSAGES_H_
