// The parent's side of the data decoder: its launch, and the lines to it. It sees no picture.
//
//     DecoderService decoder(*parent, ProcessType::kDataDecoder, MakeDecoderHost,
//                            DecoderServiceOptions());
//     absl::Status Receive(OpenDecoder&, Resolver<DecoderOpened> resolver) {    // a content host's
//       ConnectToDecoder(decoder, *this, [answer](absl::StatusOr<ClientsEnd> end) { ... });
//
// One process for the program, launched by the first who needs it (ServiceProcess). After three
// ends of it that nobody asked for there are no more pictures, for any page: an embedder that would
// rather have a decoder for each site makes a DecoderService for each.
//
// Ownership and threads: those of ServiceProcess. The decoder outlives what asks for it.
#ifndef EXAMPLES_BROWSER_HOST_DECODE_DECODER_HOST_H_
#define EXAMPLES_BROWSER_HOST_DECODE_DECODER_HOST_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_policy_id.h"
#include "examples/browser_host/decode/decoder_messages.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host.h"
#include "forkserver/model/service_process.h"

namespace browser_host {

class DecoderHost : public forkserver::ProcessHost<DecoderHost, DecoderProtocol> {
 public:
  explicit DecoderHost(forkserver::ParentProcess& parent)
      : ProcessHost(parent, forkserver::ProcessType::kDataDecoder) {}

 private:
  void OnEnd(const forkserver::ProcessEnd&) override {}
};

using DecoderService = forkserver::ServiceProcess<DecoderHost>;

inline std::unique_ptr<DecoderHost> MakeDecoderHost(forkserver::ParentProcess& parent) {
  return std::make_unique<DecoderHost>(parent);
}

// With the policy that its template was given (SetUpDecoderTemplate): it does not start without it.
forkserver::ServiceOptions DecoderServiceOptions(
    forkserver::SandboxPolicyId policy = forkserver::SandboxPolicyId::kComputeOnly);

// Makes a line between the decoder, which is launched where it does not run, and `client`. Calls
// back once, in the loop's time or at once, with the client's end, or with why there is none: the
// decoder was given up, its launch failed, the client is gone by then. Not called where the decoder
// is destroyed first.
void ConnectToDecoder(DecoderService& decoder, const forkserver::ProcessHostCore& client,
                      std::function<void(absl::StatusOr<ClientsEnd> end)> callback);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DECODE_DECODER_HOST_H_
