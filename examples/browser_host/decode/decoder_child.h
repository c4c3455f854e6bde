// The data decoder process: decodes pictures for whoever has an end of a line to it, one at a time.
//
//     StartOptions options = {.programs = {{ProcessType::kDataDecoder,
//                                           MakeChildProgram<DecoderChild>}, ...}};
//     options.templates = ProcessTemplates(options.programs);
//     SetUpDecoderTemplate(options.templates);
//
// It runs under compute-only, the strictest policy, which is stricter than the one that its type's
// row has: there the pictures are all that it has to do with, here no thread, no file, no new
// descriptor. decoder_host.h launches it so. What it says is in decoder_messages.h, with what a
// line can do to it.
//
// Lines: one for each client, and kMostLines at a time; a further one is closed at once. One that
// breaks its protocol ends, and no other. The process ends with its parent's Goodbye, whatever
// lines it has.
#ifndef EXAMPLES_BROWSER_HOST_DECODE_DECODER_CHILD_H_
#define EXAMPLES_BROWSER_HOST_DECODE_DECODER_CHILD_H_

#include <stddef.h>

#include <list>
#include <vector>

#include "absl/status/status.h"
#include "child/process/child_process.h"
#include "child/sandbox/sandbox_policy_id.h"
#include "examples/browser_host/decode/decoder_messages.h"
#include "forkserver/host/template_options.h"
#include "transceiver/actor/actor.h"
#include "transceiver/actor/resolver.h"

namespace browser_host {

class DecoderChild : public forkserver::ChildProcess<DecoderChild, DecoderProtocol> {
 public:
  // Of the 64 descriptors that compute-only leaves.
  static constexpr size_t kMostLines = 40;

  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
  absl::Status Receive(ServeDecoding& message);

 private:
  class Line : public forkserver::Actor<Line, Decoding, forkserver::Side::kChild> {
   public:
    Line(DecoderChild& decoder, uint64_t client) : decoder_(decoder), client_(client) {}
    uint64_t client() const { return client_; }
    absl::Status Receive(ReadHeader& message, forkserver::Resolver<HeaderRead> resolver);
    absl::Status Receive(DecodePicture& message, forkserver::Resolver<PictureDecoded> resolver);
    void ActorDestroy(const forkserver::ActorEnd& end) override;

   private:
    DecoderChild& decoder_;
    const uint64_t client_;
  };

  std::list<Line> lines_;
};

// The template of data decoders: its policy, and the libraries warmed up.
void SetUpDecoderTemplate(
    std::vector<forkserver::TemplateOptions>& templates,
    forkserver::SandboxPolicyId policy = forkserver::SandboxPolicyId::kComputeOnly);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DECODE_DECODER_CHILD_H_
