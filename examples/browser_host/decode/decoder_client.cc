#include "examples/browser_host/decode/decoder_client.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/one_line.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/size_limit_guard.h"

namespace browser_host {
namespace {

using forkserver::ErrnoStatus;
using forkserver::UniqueFd;

// Not sealed against further seals: that against writing comes when the decoder has written.
absl::StatusOr<UniqueFd> MakePixels(size_t size) {
  UniqueFd fd(memfd_create("pixels", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.is_open()) return ErrnoStatus(errno, "memfd_create pixels");
  forkserver::SizeLimitGuard guard;
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return ErrnoStatus(guard.Failed(errno), "ftruncate memfd pixels");
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return ErrnoStatus(errno, "fcntl F_ADD_SEALS memfd pixels");
  }
  return fd;
}

// EBUSY: the decoder can still write to it.
absl::Status SealAndMap(int fd, size_t size, forkserver::Mapping& mapping) {
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return ErrnoStatus(errno, "fcntl F_ADD_SEALS memfd pixels");
  }
  const int error = forkserver::MapSealedMemfd(fd, size, forkserver::SealedAccess::kRead, mapping);
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "mmap pixels");
}

absl::Status WrongWord(const char* what) {
  return absl::InternalError(absl::StrFormat("data decoder: %s", what));
}

}  // namespace

class DecoderClient::Line : public forkserver::Actor<Line, Decoding, forkserver::Side::kParent> {
 public:
  explicit Line(DecoderClient& client) : client_(client) {}
  void ActorDestroy(const forkserver::ActorEnd&) override { client_.OnLineEnd(); }

 private:
  DecoderClient& client_;
};

DecoderClient::DecoderClient(forkserver::EventLoop& loop, Options options)
    : loop_(loop), options_(std::move(options)) {}

DecoderClient::~DecoderClient() {
  if (ask_timer_ != 0) loop_.CancelTimer(ask_timer_);
  Forget();
}

absl::Status DecoderClient::Decode(std::span<const uint8_t> encoded, Callback callback) {
  if (encoded.size() > options_.bounds.encoded_bytes) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "picture: %d bytes, over %d", encoded.size(), options_.bounds.encoded_bytes));
  }
  if (jobs_.size() >= options_.most_pictures) {
    return absl::ResourceExhaustedError(absl::StrFormat("picture: %d wait already", jobs_.size()));
  }
  if (encoded.size() > options_.most_encoded_bytes - encoded_bytes_) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("picture: %d bytes wait already", encoded_bytes_));
  }
  Job job = {.size = encoded.size(), .callback = std::move(callback)};
  if (encoded.size() > kMaxInlineBytes) {
    absl::StatusOr<UniqueFd> sealed = forkserver::CreateSealedMemfd("picture", encoded);
    if (!sealed.ok()) return sealed.status();
    job.request.picture.sealed.emplace().fd = *std::move(sealed);
  } else {
    job.bytes.assign(encoded.begin(), encoded.end());
    job.request.picture.bytes.data = job.bytes;
  }
  const JobId id = ++last_id_;
  job.timer = loop_.AddTimer(
      forkserver::DeadlineAfter(forkserver::NowNanos(),
                                absl::ToInt64Nanoseconds(options_.patience)),
      [this, id] { Finish(id, absl::DeadlineExceededError("picture: no answer in time")); });
  encoded_bytes_ += job.size;
  jobs_.emplace(id, std::move(job));
  SendWaiting();
  return absl::OkStatus();
}

void DecoderClient::Connect(ClientsEnd end) {
  has_asked_ = false;
  std::vector<JobId> lost;
  for (const auto& [id, job] : jobs_) {
    if (job.is_sent) lost.push_back(id);
  }
  // With its calls, which are told below.
  line_.reset();
  under_way_ = 0;
  line_ = std::make_unique<Line>(*this);
  if (absl::Status bound = line_->Bind(loop_, std::move(end)); !bound.ok()) {
    line_.reset();
    return Fail(std::move(bound));
  }
  SendWaiting();
  const std::weak_ptr<bool> alive = alive_;
  for (const JobId id : lost) {
    Finish(id, absl::UnavailableError("picture: its decoder was replaced"));
    if (alive.expired()) return;
  }
}

void DecoderClient::Fail(absl::Status why) {
  has_asked_ = false;
  const std::weak_ptr<bool> alive = alive_;
  // Not those that are given meanwhile.
  const JobId last = last_id_;
  while (!alive.expired() && !jobs_.empty() && jobs_.begin()->first <= last) {
    Finish(jobs_.begin()->first, why);
  }
}

void DecoderClient::Forget() {
  for (const auto& [id, job] : jobs_) loop_.CancelTimer(job.timer);
  jobs_.clear();
  encoded_bytes_ = 0;
}

void DecoderClient::SendWaiting() {
  for (auto& [id, job] : jobs_) {
    if (under_way_ >= options_.most_under_way) return;
    if (job.is_sent) continue;
    if (line_ == nullptr) return AskForDecoder();
    ReadHeader message = {.picture = std::move(job.request.picture)};
    const absl::Status sent = line_->Call(
        message,
        [this, id = id](const absl::StatusOr<HeaderRead>& header) { OnHeader(id, header); });
    job.request.picture = std::move(message.picture);
    // It is ending, and OnLineEnd goes on; or it is full, and an answer does.
    if (!sent.ok()) return;
    job.is_sent = true;
    ++under_way_;
  }
}

// In the loop's next turn: whoever answers it at once, by Fail, destroys nothing under our feet.
void DecoderClient::AskForDecoder() {
  if (std::exchange(has_asked_, true) || !options_.need_decoder) return;
  ask_timer_ = loop_.AddTimer(forkserver::NowNanos(), [this] {
    ask_timer_ = 0;
    if (line_ == nullptr) options_.need_decoder();
  });
}

void DecoderClient::OnHeader(JobId id, const absl::StatusOr<HeaderRead>& header) {
  const auto found = jobs_.find(id);
  if (found != jobs_.end() && header.ok()) {
    Job& job = found->second;
    job.header = {.format = header->format, .width = header->width, .height = header->height};
    const absl::Status asked = AskForPixels(id, job);
    if (asked.ok()) return;
    --under_way_;
    SendWaiting();
    return Finish(id, asked);
  }
  --under_way_;
  SendWaiting();
  // One that was given up is answered already.
  if (!header.ok()) Finish(id, header.status());
}

absl::Status DecoderClient::AskForPixels(JobId id, Job& job) {
  if (absl::Status fits = CheckHeader(job.header, options_.bounds); !fits.ok()) return fits;
  absl::StatusOr<UniqueFd> pixels = MakePixels(job.header.pixel_bytes());
  if (!pixels.ok()) return pixels.status();
  job.request.pixels.fd = *std::move(pixels);
  return line_->Call(job.request, [this, id](const absl::StatusOr<PictureDecoded>& decoded) {
    OnDecoded(id, decoded);
  });
}

void DecoderClient::OnDecoded(JobId id, const absl::StatusOr<PictureDecoded>& decoded) {
  --under_way_;
  SendWaiting();
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  if (!decoded.ok()) return Finish(id, decoded.status());
  Finish(id, TakePicture(found->second, *decoded));
}

absl::StatusOr<DecodedPicture> DecoderClient::TakePicture(const Job& job,
                                                          const PictureDecoded& decoded) {
  const ImageHeader header = {.format = decoded.header.format,
                              .width = decoded.header.width,
                              .height = decoded.header.height};
  if (header != job.header) return WrongWord("another size than it said first");
  if (decoded.rows > header.height) return WrongWord("more rows than the picture has");
  DecodedPicture picture = {.header = header,
                            .rows = decoded.rows,
                            .complaint = forkserver::OneLine(decoded.complaint.view())};
  absl::Status mapped =
      SealAndMap(job.request.pixels.fd.get(), header.pixel_bytes(), picture.pixels);
  if (!mapped.ok()) return mapped;
  return picture;
}

void DecoderClient::OnLineEnd() {
  line_.reset();
  SendWaiting();
}

void DecoderClient::Finish(JobId id, absl::StatusOr<DecodedPicture> picture) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  const Job job = std::move(found->second);
  jobs_.erase(found);
  loop_.CancelTimer(job.timer);
  encoded_bytes_ -= job.size;
  if (!picture.ok()) {
    // The decoder's words.
    picture = absl::Status(picture.status().code(),
                           forkserver::OneLine(std::string(picture.status().message())));
  }
  job.callback(std::move(picture));
}

}  // namespace browser_host
