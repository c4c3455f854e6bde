#include "tests/examples/decode/decoder_process.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "examples/browser_host/decode/decoder_child.h"
#include "examples/browser_host/decode/image_decoder.h"
#include "forkserver/model/process_templates.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

using forkserver::MakeChildProgram;
using forkserver::NowNanos;
using forkserver::ProcessType;
using forkserver::Resolver;

// The sanitizer makes calls that compute-only does not have. The decoder is under it, and without
// the policy.
#ifdef __SANITIZE_ADDRESS__
constexpr std::string_view kPrefs = "pref(\"security.sandbox.compute-only.level\", 0);";
#else
constexpr std::string_view kPrefs = "";
#endif

std::string Text(const ImageHeader& header, uint32_t rows, std::string_view complaint,
                 std::span<const uint8_t> pixels) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const uint8_t byte : pixels) hash = (hash ^ byte) * 1099511628211u;
  std::string text = absl::StrFormat("%dx%d %s, %d rows, pixels %016x", header.width, header.height,
                                     ImageFormatName(header.format), rows, hash);
  if (!complaint.empty()) text += absl::StrFormat(" (%s)", complaint);
  return text;
}

}  // namespace

std::string Said(const absl::StatusOr<DecodedPicture>& picture) {
  if (!picture.ok()) return picture.status().ToString();
  return Text(picture->header, picture->rows, picture->complaint, picture->pixels.bytes());
}

std::string SaidOf(const PictureBytes& bytes) {
  const absl::StatusOr<ImageHeader> header = ReadImageHeader(bytes, {});
  if (!header.ok()) return header.status().ToString();
  std::vector<uint8_t> pixels(header->pixel_bytes());
  const absl::StatusOr<DecodedImage> image = DecodeImage(bytes, {}, pixels);
  if (!image.ok()) return image.status().ToString();
  return Text(image->header, image->rows, image->complaint, pixels);
}

absl::Status ShowingChild::Receive(Show& message, Resolver<Shown> resolver) {
  if (!decoder_) {
    decoder_.emplace(loop(), DecoderClient::Options{.need_decoder = [this] {
                       const absl::Status asked =
                           Call(OpenDecoder{}, [this](absl::StatusOr<DecoderOpened> opened) {
                             if (!opened.ok()) return decoder_->Fail(opened.status());
                             decoder_->Connect(std::move(opened->end));
                           });
                       if (!asked.ok()) decoder_->Fail(asked);
                     }});
  }
  forkserver::Mapping bytes;
  if (message.bytes.Map(bytes) != 0) return absl::InternalError("mmap");
  auto answer = std::make_shared<Resolver<Shown>>(std::move(resolver));
  const absl::Status begun =
      decoder_->Decode(bytes.bytes(), [answer](absl::StatusOr<DecodedPicture> picture) {
        answer->Resolve({.text = Said(picture)}).IgnoreError();
      });
  if (!begun.ok()) answer->Reject(begun);
  return absl::OkStatus();
}

absl::Status ShowingHost::Receive(OpenDecoder&, Resolver<DecoderOpened> resolver) {
  auto answer = std::make_shared<Resolver<DecoderOpened>>(std::move(resolver));
  ConnectToDecoder(decoder_, *this, [answer](absl::StatusOr<ClientsEnd> end) {
    if (!end.ok()) return answer->Reject(end.status());
    answer->Resolve({.end = *std::move(end)}).IgnoreError();
  });
  return absl::OkStatus();
}

forkserver::testing::HostSetup DecoderHostSetup(Warmth warmth) {
  forkserver::testing::HostSetup setup;
  setup.options.programs = {{ProcessType::kContent, MakeChildProgram<ShowingChild>},
                            {ProcessType::kDataDecoder, MakeChildProgram<DecoderChild>}};
  setup.options.templates = forkserver::ProcessTemplates(setup.options.programs);
  SetUpDecoderTemplate(setup.options.templates);
  if (warmth == Warmth::kCold) {
    forkserver::TemplateNamed(setup.options.templates, "data-decoder").warm_ups.clear();
  }
  return setup;
}

DecoderTest::DecoderTest(forkserver::ForkServer& server)
    : loop_(*forkserver::EventLoop::Create()),
      parent_(*forkserver::ParentProcess::Create(
          {.server = server,
           .loop = *loop_,
           .log = [](std::string_view line) { ADD_FAILURE() << line; }})),
      suffixes_(
          std::make_unique<forkserver::PublicSuffixList>(*forkserver::PublicSuffixList::Load())) {
  forkserver::PrefsStore store;
  EXPECT_TRUE(store.LoadText(kPrefs, "test.js").empty());
  EXPECT_TRUE(parent_->SetPrefs(*store.Publish()).ok());
  service_ = std::make_unique<DecoderService>(*parent_, ProcessType::kDataDecoder, MakeDecoderHost,
                                              DecoderServiceOptions());
  content_ = std::make_unique<forkserver::ContentProcesses>(
      *parent_, *suffixes_,
      [this](forkserver::ParentProcess& parent, forkserver::ContentProcesses& siblings) {
        return std::make_unique<ShowingHost>(parent, siblings, *service_);
      },
      forkserver::ContentEvents{});
  client_ = std::make_unique<DecoderClient>(
      *loop_, DecoderClient::Options{.need_decoder = [this] { Connect(); }});
}

DecoderTest::~DecoderTest() {
  client_.reset();
  content_->CloseAll();
  Until([this] { return content_->processes().empty(); });
  service_.reset();
  // Else the server keeps the last generation's descriptor.
  parent_->server().SetPrefs({});
}

void DecoderTest::Connect() {
  ConnectThis([this](absl::StatusOr<ClientsEnd> end) {
    if (!end.ok()) return client_->Fail(end.status());
    client_->Connect(*std::move(end));
  });
}

void DecoderTest::ConnectThis(std::function<void(absl::StatusOr<ClientsEnd> end)> callback) {
  const absl::StatusOr<DecoderHost*> needed = service_->Need();
  if (!needed.ok()) return callback(needed.status());
  DecoderHost& host = **needed;
  host.WhenLaunched([this, &host, callback = std::move(callback)](
                        const absl::StatusOr<forkserver::ProcessHandle>& process) {
    if (!process.ok()) return callback(process.status());
    auto ends = parent_->CreateEndpointsWith<Decoding>(host);
    if (!ends.ok()) return callback(ends.status());
    const absl::Status sent = host.Send(ServeDecoding{.end = std::move(ends->child)});
    if (!sent.ok()) return callback(sent);
    callback(std::move(ends->parent));
  });
}

void DecoderTest::Reconnect() { client_->Connect(OpenLine()); }

ClientsEnd DecoderTest::OpenLine() {
  std::optional<absl::StatusOr<ClientsEnd>> end;
  ConnectThis([&](absl::StatusOr<ClientsEnd> made) { end.emplace(std::move(made)); });
  Until([&] { return end.has_value(); });
  EXPECT_TRUE(end->ok()) << end->status();
  return end->ok() ? **std::move(end) : ClientsEnd();
}

void DecoderTest::Until(const std::function<bool()>& done) {
  const int64_t deadline = NowNanos() + 30 * forkserver::kNanosPerSecond;
  while (!done() && NowNanos() < deadline) loop_->Run(deadline);
  EXPECT_TRUE(done());
}

std::string DecoderTest::Decode(const PictureBytes& bytes) {
  std::string said;
  const absl::Status begun = client_->Decode(
      bytes, [&](absl::StatusOr<DecodedPicture> picture) { said = browser_host::Said(picture); });
  if (!begun.ok()) return begun.ToString();
  Until([&] { return !said.empty(); });
  return said;
}

std::string DecoderTest::Show(std::string_view url, const PictureBytes& bytes) {
  std::optional<absl::StatusOr<forkserver::OpenedBrowser>> opened;
  content_->Open({.load = {.url = *forkserver::Url::Parse(url),
                           .initiated_by = forkserver::InitiatedBy::kUser}},
                 [&](auto browser) { opened = std::move(browser); });
  Until([&] { return opened.has_value(); });
  if (!opened->ok()) return opened->status().ToString();
  ShowingHost& host = static_cast<ShowingHost&>(*(*opened)->process);
  std::string said;
  browser_host::Show message = {.bytes = *forkserver::SealedMemory::Create("picture", bytes)};
  const absl::Status asked = host.Call(message, [&](absl::StatusOr<Shown> shown) {
    said = shown.ok() ? shown->text.str() : shown.status().ToString();
  });
  if (!asked.ok()) return asked.ToString();
  Until([&] { return !said.empty(); });
  return said;
}

pid_t DecoderTest::pid() const { return service_->process()->pid; }

size_t DecoderTest::DescriptorsOfDecoder() {
  // Those of a message are closed behind its answer. This one has none.
  Decode({1, 2, 3});
  const std::filesystem::directory_iterator all(absl::StrFormat("/proc/%d/fd", pid()));
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

}  // namespace browser_host
