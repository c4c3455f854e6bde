#include "examples/browser_host/compose/compositor_service.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/compose/compositor_child.h"
#include "examples/browser_host/compose/picture.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

absl::Status CheckPicture(const SharedPicture& picture, const std::string& what) {
  if (picture.pixels == nullptr || !picture.pixels->is_open()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": no picture"));
  }
  const absl::Status size = CheckPictureSize(picture.width, picture.height);
  if (size.ok()) return size;
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", what, size.message()));
}

absl::Status CheckRequest(const ComposeRequest& request) {
  if (request.layers.size() > kMostLayers) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d layers, over %d", request.layers.size(), kMostLayers));
  }
  absl::Status status = CheckPicture(request.base, "base");
  for (const ComposeLayer& layer : request.layers) {
    status.Update(CheckPicture(layer.picture, absl::StrCat("layer ", layer.layer)));
  }
  return status;
}

// A message with descriptors that stay their owner's.
class BorrowingCompose {
 public:
  explicit BorrowingCompose(const ComposeRequest& request) {
    Borrow(request.base, message_.base);
    for (const ComposeLayer& layer : request.layers) {
      LayerField& field = message_.layers.items.emplace_back();
      field.layer = layer.layer;
      Borrow(layer.picture, field.picture);
      field.x = layer.x;
      field.y = layer.y;
      field.frame_width = layer.frame_width;
      field.frame_height = layer.frame_height;
    }
  }
  ~BorrowingCompose() {
    (void)message_.base.pixels.fd.release();
    for (LayerField& layer : message_.layers.items) (void)layer.picture.pixels.fd.release();
  }
  BorrowingCompose(const BorrowingCompose&) = delete;
  BorrowingCompose& operator=(const BorrowingCompose&) = delete;

  const Compose& message() const { return message_; }

 private:
  static void Borrow(const SharedPicture& picture, PictureField& field) {
    field.pixels.fd.reset(picture.pixels->get());
    field.width = picture.width;
    field.height = picture.height;
  }

  Compose message_;
};

// The answer's descriptor, which its message would close. What has these seals is a memfd, so its
// last close waits for nobody.
absl::StatusOr<SharedPicture> TakeWhole(PictureField picture, const SharedPicture& base) {
  if (picture.width != base.width || picture.height != base.height) {
    return absl::InternalError(absl::StrFormat("%d by %d pixels, of a base of %d by %d",
                                               picture.width, picture.height, base.width,
                                               base.height));
  }
  const absl::StatusOr<Picture> mapped =
      Picture::Map(picture.pixels.fd.get(), picture.width, picture.height);
  if (!mapped.ok()) return absl::InternalError(mapped.status().message());
  return SharedPicture{
      .pixels = std::make_shared<const forkserver::UniqueFd>(std::move(picture.pixels.fd)),
      .width = picture.width,
      .height = picture.height};
}

}  // namespace

absl::Status CompositorHost::Ask(const browser_host::Compose& message,
                                 std::function<void(absl::StatusOr<Composed>)> callback) {
  return NoteUnheard(Call(message, std::move(callback)));
}

CompositorService::CompositorService(forkserver::ParentProcess& parent, Options options)
    : parent_(parent),
      options_(std::move(options)),
      patience_(parent.loop()),
      service_(parent, forkserver::ProcessType::kGpu,
               [](forkserver::ParentProcess& of) { return std::make_unique<CompositorHost>(of); },
               {.fallback_program = options_.when_given_up == WhenGivenUp::kThread
                                        ? forkserver::MakeChildProgram<CompositorChild>
                                        : forkserver::ChildProgramFactory(),
                .on_change = options_.on_change,
                .on_end = options_.on_end}) {}

CompositorService::~CompositorService() {
  *alive_ = false;
  patience_.End();
  if (turn_ != 0) parent_.loop().CancelTimer(turn_);
}

void CompositorService::Compose(ComposeRequest request, Callback callback) {
  if (absl::Status fits = CheckRequest(request); !fits.ok()) return callback(fits);
  if (jobs_.size() >= options_.most_waiting) {
    return callback(
        absl::ResourceExhaustedError(absl::StrFormat("%d pictures wait already", jobs_.size())));
  }
  jobs_.push_back({.request = std::move(request), .callback = std::move(callback)});
  if (!is_under_way_ && turn_ == 0) SendFirst();
}

void CompositorService::SendFirst() {
  const std::shared_ptr<bool> alive = alive_;
  while (*alive && !is_under_way_ && !jobs_.empty()) {
    const absl::StatusOr<CompositorHost*> needed = service_.Need();
    if (!*alive) return;
    if (!needed.ok()) {
      FinishFirst(needed.status());
      continue;
    }
    CompositorHost& host = **needed;
    const BorrowingCompose borrowing(jobs_.front().request);
    const absl::Status sent =
        host.Ask(borrowing.message(), [this, alive, &host](absl::StatusOr<Composed> composed) {
          // A thread that is closed answers its calls once more.
          if (*alive) OnAnswer(host, std::move(composed));
        });
    if (sent.ok()) {
      is_under_way_ = true;
      return Arm(host);
    }
    // It has ended, and its host has just heard of it, or will: there is another one then.
    if (absl::IsUnavailable(sent) || absl::IsFailedPrecondition(sent)) return SendSoon();
    FinishFirst(sent);
  }
}

void CompositorService::SendSoon() {
  if (turn_ != 0) return;
  turn_ = parent_.loop().AddTimer(forkserver::NowNanos(), [this] {
    turn_ = 0;
    SendFirst();
  });
}

void CompositorService::Arm(CompositorHost& host) {
  if (host.IsDebugged()) return;
  patience_.Begin(options_.patience, [this, &host] {
    // Its call is answered by that, and the host is there as long as the call is.
    host.Kill(absl::DeadlineExceededError(
        absl::StrCat("no answer within ", absl::FormatDuration(options_.patience))));
  });
}

void CompositorService::OnAnswer(CompositorHost& host, absl::StatusOr<Composed> composed) {
  patience_.End();
  is_under_way_ = false;
  absl::StatusOr<SharedPicture> whole =
      composed.ok() ? TakeWhole(std::move(composed->picture), jobs_.front().request.base)
                    : absl::Status(composed.status().code(),
                                   forkserver::OneLine(std::string(composed.status().message())));
  if (composed.ok() && !whole.ok()) {
    whole = absl::InternalError(absl::StrFormat("Compose reply: %s", whole.status().message()));
    host.Kill(whole.status());
  }
  // What is sent from here would go to one that is ending, where it is.
  if (jobs_.size() > 1) SendSoon();
  FinishFirst(std::move(whole));
}

void CompositorService::FinishFirst(absl::StatusOr<SharedPicture> whole) {
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  job.callback(std::move(whole));
}

}  // namespace browser_host
