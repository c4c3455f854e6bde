// The content side of the data decoder: gives it pictures, and has their pixels back.
//
//     DecoderClient decoder(loop(), {.need_decoder = [this] {
//       Call(OpenDecoder{}, [this](absl::StatusOr<DecoderOpened> opened) {
//         opened.ok() ? decoder_.Connect(std::move(opened->end)) : decoder_.Fail(opened.status());
//       });
//     }});
//     absl::Status begun = decoder.Decode(bytes, [](absl::StatusOr<DecodedPicture> picture) {
//       if (picture.ok()) Show(cairo_image_surface_create_for_data(picture->pixels.bytes()...));
//     });
//
// Pictures may be given before there is a decoder: `need_decoder` is called when there is one to
// decode and no line, once until Connect or Fail is. They are decoded in the order in which they
// were given.
//
// Each is answered once: with its pixels, with the decoder's error, DeadlineExceeded after its
// patience, or Unavailable. The decoder's end is Unavailable for those that it had, any of which
// may be what it died of; those that waited go to the next one. What it says is held against the
// bounds, and its pixels are sealed before they are mapped (decoder_messages.h): they never change.
//
// Ownership: borrows the loop; owns what it is given, by a copy. Destroying it drops all callbacks
// uncalled; a callback may do that, too. Threads: the loop's. After a fork: not usable.
#ifndef EXAMPLES_BROWSER_HOST_DECODE_DECODER_CLIENT_H_
#define EXAMPLES_BROWSER_HOST_DECODE_DECODER_CLIENT_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/browser_host/decode/decoder_messages.h"
#include "examples/browser_host/decode/image.h"
#include "transceiver/actor/actor.h"
#include "transceiver/event_loop.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

// image.h says what they are. The mapping is read-only, and nobody can write to its memory.
struct DecodedPicture {
  ImageHeader header = {};
  uint32_t rows = 0;
  std::string complaint = {};
  forkserver::Mapping pixels = {};
};

class DecoderClient {
 public:
  struct Options {
    DecodeBounds bounds = {};  // of one picture; over the decoder's own they change nothing
    absl::Duration patience = absl::Seconds(10);  // from Decode to the answer
    // The decoder has so many: one that it works on, others so that it need not wait.
    size_t most_under_way = 2;
    // With those that wait.
    size_t most_pictures = 256;
    size_t most_encoded_bytes = size_t{64} << 20;
    std::function<void()> need_decoder = {};
  };
  using Callback = std::function<void(absl::StatusOr<DecodedPicture> picture)>;

  DecoderClient(forkserver::EventLoop& loop, Options options);
  DecoderClient(const DecoderClient&) = delete;
  DecoderClient& operator=(const DecoderClient&) = delete;
  ~DecoderClient();

  // After Ok `callback` is called once, in the loop's time. ResourceExhausted: over one of the
  // bounds above. Else as memfd_create(2) fails.
  absl::Status Decode(std::span<const uint8_t> encoded, Callback callback);

  // In answer to need_decoder, or before it is called. Replaces a line that there is, whose
  // pictures are Unavailable.
  void Connect(ClientsEnd end);
  // There is no decoder: all that wait are answered so. The next picture asks for one again.
  void Fail(absl::Status why);

  // Nobody wants them any more: none of them is answered. What the decoder has it decodes, and the
  // others are not given to it.
  void Forget();

  // That have no answer yet.
  size_t pictures() const { return jobs_.size(); }
  bool is_connected() const { return line_ != nullptr; }

 private:
  class Line;
  using JobId = uint64_t;  // in the order of Decode
  struct Job {
    std::vector<uint8_t> bytes = {};  // what the request has of them, where they are few
    DecodePicture request = {};
    size_t size = 0;
    Callback callback = {};
    forkserver::EventLoop::TimerId timer = 0;
    bool is_sent = false;
    ImageHeader header = {};  // from the first answer on
  };

  // Sends what there is room for.
  void SendWaiting();
  void AskForDecoder();
  void OnHeader(JobId id, const absl::StatusOr<HeaderRead>& header);
  void OnDecoded(JobId id, const absl::StatusOr<PictureDecoded>& decoded);
  void OnLineEnd();
  absl::Status AskForPixels(JobId id, Job& job);
  static absl::StatusOr<DecodedPicture> TakePicture(const Job& job, const PictureDecoded& decoded);
  // The last that its caller does: the callback may destroy this.
  void Finish(JobId id, absl::StatusOr<DecodedPicture> picture);

  forkserver::EventLoop& loop_;
  const Options options_;
  std::unique_ptr<Line> line_;
  std::map<JobId, Job> jobs_;
  JobId last_id_ = 0;
  size_t encoded_bytes_ = 0;
  // Calls that have no answer: of a picture that was given up, too.
  size_t under_way_ = 0;
  bool has_asked_ = false;
  forkserver::EventLoop::TimerId ask_timer_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DECODE_DECODER_CLIENT_H_
