// A host with a data decoder, for tests of it and for what measures it. The test's own process has
// an end of a line, as content processes have; and content processes do, whose program is here too.
//
//     HostSetup testing::SetUpHost(const std::string&) { return DecoderHostSetup(); }
//     HOST_TEST(DecoderProcess, DecodesAPicture) {
//       DecoderTest decoder(server);
//       EXPECT_EQ(decoder.Decode(png), "13x7 PNG, 7 rows, pixels 0123456789abcdef");
#ifndef TESTS_EXAMPLES_DECODE_DECODER_PROCESS_H_
#define TESTS_EXAMPLES_DECODE_DECODER_PROCESS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/status/statusor.h"
#include "child/process/content_child.h"
#include "child/process/content_messages.h"
#include "examples/browser_host/decode/decoder_client.h"
#include "examples/browser_host/decode/decoder_host.h"
#include "examples/browser_host/decode/decoder_messages.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/url.h"
#include "tests/examples/decode/encode_pictures.h"
#include "tests/testing/host_test.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/event_loop.h"

namespace browser_host {

// "13x7 PNG, 7 rows, pixels HASH" and, where there is one, the complaint; or the error.
std::string Said(const absl::StatusOr<DecodedPicture>& picture);
// The same of a picture that is decoded here.
std::string SaidOf(const PictureBytes& bytes);

// Has a content process decode a picture, and say what came of it.
struct Shown {
  forkserver::Text<512> text = {};
  auto Fields() { return std::tie(text); }
};
struct Show {
  static constexpr std::string_view kName = "Show";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = Shown;
  forkserver::SealedMemory bytes = {};
  auto Fields() { return std::tie(bytes); }
};
struct ShowingProtocol {
  static constexpr std::string_view kName = "Content";
  using Messages = forkserver::ContentMessages<Show, OpenDecoder>;
};

class ShowingChild : public forkserver::ContentChild<ShowingChild, ShowingProtocol> {
 public:
  using ContentChild::Receive;
  absl::Status Receive(Show& message, forkserver::Resolver<Shown> resolver);

 private:
  void CleanUp() override { decoder_.reset(); }

  std::optional<DecoderClient> decoder_;
};

class ShowingHost : public forkserver::ContentHost<ShowingHost, ShowingProtocol> {
 public:
  ShowingHost(forkserver::ParentProcess& parent, forkserver::ContentProcesses& siblings,
              DecoderService& decoder)
      : ContentHost(parent, siblings), decoder_(decoder) {}
  using ContentHost::Receive;
  absl::Status Receive(OpenDecoder& message, forkserver::Resolver<DecoderOpened> resolver);

 private:
  DecoderService& decoder_;
};

enum class Warmth : uint8_t { kWarm, kCold };
forkserver::testing::HostSetup DecoderHostSetup(Warmth warmth = Warmth::kWarm);

class DecoderTest {
 public:
  explicit DecoderTest(forkserver::ForkServer& server);
  ~DecoderTest();

  forkserver::EventLoop& loop() { return *loop_; }
  DecoderClient& client() { return *client_; }
  DecoderService& service() { return *service_; }
  forkserver::ContentProcesses& content() { return *content_; }

  void Until(const std::function<bool()>& done);
  std::string Decode(const PictureBytes& bytes);
  // A line to the decoder that runs then, before there is a picture for it.
  void Reconnect();
  // A further end of a line for this process.
  ClientsEnd OpenLine();
  // In the content process of that page.
  std::string Show(std::string_view url, const PictureBytes& bytes);
  // Of the decoder that runs: its pid, and what it has open.
  pid_t pid() const;
  size_t DescriptorsOfDecoder();

 private:
  void Connect();
  void ConnectThis(std::function<void(absl::StatusOr<ClientsEnd> end)> callback);

  std::unique_ptr<forkserver::EventLoop> loop_;
  std::unique_ptr<forkserver::ParentProcess> parent_;
  std::unique_ptr<forkserver::PublicSuffixList> suffixes_;
  std::unique_ptr<DecoderService> service_;
  std::unique_ptr<forkserver::ContentProcesses> content_;
  std::unique_ptr<DecoderClient> client_;
};

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_DECODE_DECODER_PROCESS_H_
