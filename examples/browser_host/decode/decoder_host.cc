#include "examples/browser_host/decode/decoder_host.h"

#include <utility>

#include "absl/status/status.h"
#include "transceiver/actor/endpoint.h"

namespace browser_host {

using forkserver::ParentProcess;
using forkserver::ProcessHostCore;

forkserver::ServiceOptions DecoderServiceOptions(forkserver::SandboxPolicyId policy) {
  return {.launch = {.sandbox = policy}};
}

void ConnectToDecoder(DecoderService& decoder, const ProcessHostCore& client,
                      std::function<void(absl::StatusOr<ClientsEnd> end)> callback) {
  const absl::StatusOr<DecoderHost*> needed = decoder.Need();
  if (!needed.ok()) return callback(needed.status());
  DecoderHost& host = **needed;
  host.WhenLaunched([&host, id = client.id(), callback = std::move(callback)](
                        const absl::StatusOr<forkserver::ProcessHandle>& process) {
    if (!process.ok()) return callback(process.status());
    ParentProcess& parent = host.parent();
    // By its id: it may have ended while the decoder was launched.
    const ProcessHostCore* const client = parent.Find(id);
    if (client == nullptr) return callback(absl::FailedPreconditionError("the client is gone"));
    absl::StatusOr<forkserver::EndpointPair<Decoding>> ends =
        parent.CreateEndpoints<Decoding>(*client, host);
    if (!ends.ok()) return callback(ends.status());
    const absl::Status sent = host.Send(ServeDecoding{.client = id, .end = std::move(ends->child)});
    if (!sent.ok()) return callback(sent);
    callback(std::move(ends->parent));
  });
}

}  // namespace browser_host
