#include "examples/browser_host/decode/decoder_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/decode/image_decoder.h"
#include "forkserver/model/process_templates.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/mapping.h"
#include "transceiver/one_line.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

using forkserver::ErrnoStatus;
using forkserver::Mapping;
using forkserver::Resolver;

DecodeBounds BoundsFromNow() {
  DecodeBounds bounds;
  bounds.deadline =
      forkserver::DeadlineAfter(forkserver::NowNanos(), absl::ToInt64Nanoseconds(kDecodePatience));
  return bounds;
}

// Has all of it there, or says why not: what cannot be had would be a SIGBUS at its first use.
absl::Status Populate(const Mapping& mapping, int advice) {
  if (madvise(mapping.bytes().data(), mapping.bytes().size(), advice) == 0) return absl::OkStatus();
  // Linux before 5.14 has no such advice: there it comes out at the first use.
  if (errno == EINVAL) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrFormat("madvise of %d bytes", mapping.bytes().size()));
}

// What is not as a client of ours makes it is a violation; what the machine refuses is not.
struct Mapped {
  absl::Status violation = {};
  absl::Status refusal = {};
};

// The bytes, in the message or in `mapping`.
Mapped MapBytes(const EncodedPicture& picture, Mapping& mapping, std::span<const uint8_t>& bytes) {
  if (!picture.sealed) {
    bytes = picture.bytes.data;
    return {};
  }
  const int error =
      forkserver::MapSealedMemfd(picture.sealed->fd.get(), DecodeBounds().encoded_bytes,
                                 forkserver::SealedAccess::kRead, mapping);
  if (error == ENOMEM || error == EFBIG) {
    return {.refusal = ErrnoStatus(error, "mmap of a picture's bytes")};
  }
  if (error != 0) return {.violation = ErrnoStatus(error, "a picture's bytes")};
  bytes = mapping.bytes();
  return {.refusal = Populate(mapping, MADV_POPULATE_READ)};
}

Mapped MapPixels(int fd, Mapping& mapping) {
  constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSizeSeals) != kSizeSeals) {
    return {.violation = absl::InvalidArgumentError("memory for pixels without its seals")};
  }
  struct stat status;
  if (fstat(fd, &status) != 0) return {.refusal = ErrnoStatus(errno, "fstat of pixels")};
  const size_t most = DecodeBounds().pixels * sizeof(uint32_t);
  if (status.st_size <= 0 || static_cast<uint64_t>(status.st_size) > most) {
    return {.violation = absl::InvalidArgumentError(
                absl::StrFormat("memory for pixels of %d bytes", status.st_size))};
  }
  const int error =
      mapping.Map(static_cast<size_t>(status.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  if (error != 0) return {.refusal = ErrnoStatus(error, "mmap of pixels")};
  return {.refusal = Populate(mapping, MADV_POPULATE_WRITE)};
}

HeaderRead FieldsOf(const ImageHeader& header) {
  return {.format = header.format, .width = header.width, .height = header.height};
}

}  // namespace

absl::Status DecoderChild::Receive(ServeDecoding& message) {
  if (message.client != 0) {
    lines_.remove_if([&](const Line& line) { return line.client() == message.client; });
  }
  if (lines_.size() >= kMostLines) {
    // Dropped, the end is closed.
    Log(absl::StrCat("a line is not served, since there are ", kMostLines));
    return absl::OkStatus();
  }
  const absl::Status bound =
      lines_.emplace_back(*this, message.client)
          .Bind(loop(), std::move(message.end), {.on_violation = [this](const absl::Status& why) {
                  Log(absl::StrCat("a line ends, for ",
                                   forkserver::OneLine(std::string(why.message()))));
                }});
  if (!bound.ok()) {
    Log(std::string(bound.message()));
    lines_.pop_back();
  }
  return absl::OkStatus();
}

absl::Status DecoderChild::Line::Receive(ReadHeader& message, Resolver<HeaderRead> resolver) {
  Mapping mapping;
  std::span<const uint8_t> bytes;
  const Mapped mapped = MapBytes(message.picture, mapping, bytes);
  if (!mapped.violation.ok()) return mapped.violation;
  const absl::StatusOr<ImageHeader> header =
      mapped.refusal.ok() ? ReadImageHeader(bytes, BoundsFromNow()) : mapped.refusal;
  if (header.ok()) return resolver.Resolve(FieldsOf(*header));
  resolver.Reject(header.status());
  return absl::OkStatus();
}

absl::Status DecoderChild::Line::Receive(DecodePicture& message,
                                         Resolver<PictureDecoded> resolver) {
  Mapping mapping;
  std::span<const uint8_t> bytes;
  Mapping pixels;
  Mapped mapped = MapBytes(message.picture, mapping, bytes);
  if (mapped.violation.ok() && mapped.refusal.ok()) {
    mapped = MapPixels(message.pixels.fd.get(), pixels);
  }
  if (!mapped.violation.ok()) return mapped.violation;
  const absl::StatusOr<DecodedImage> image =
      mapped.refusal.ok() ? DecodeImage(bytes, BoundsFromNow(), pixels.bytes()) : mapped.refusal;
  // Before the answer: until then nobody can seal it.
  pixels.Unmap();
  if (image.ok()) {
    return resolver.Resolve({.header = FieldsOf(image->header),
                             .rows = image->rows,
                             .complaint = image->complaint.substr(0, kMaxComplaintBytes)});
  }
  resolver.Reject(image.status());
  return absl::OkStatus();
}

void DecoderChild::Line::ActorDestroy(const forkserver::ActorEnd&) {
  decoder_.lines_.remove_if([this](const Line& line) { return &line == this; });
}

void SetUpDecoderTemplate(std::vector<forkserver::TemplateOptions>& templates,
                          forkserver::SandboxPolicyId policy) {
  forkserver::TemplateOptions& decoder = forkserver::TemplateNamed(templates, "data-decoder");
  decoder.sandbox.policy = policy;
  decoder.warm_ups.push_back({"picture libraries", WarmUpImageDecoder});
}

}  // namespace browser_host
