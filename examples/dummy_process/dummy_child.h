// What a dummy process is: it answers one hotline, and ends when its caller hangs up.
//
//     const ChildPrograms programs({{ProcessType::kDummy, MakeChildProgram<DummyChild>}});
//
// A caller that dies hangs up too, so that no dummy process outlives its purpose.
#ifndef EXAMPLES_DUMMY_PROCESS_DUMMY_CHILD_H_
#define EXAMPLES_DUMMY_PROCESS_DUMMY_CHILD_H_

#include "absl/status/status.h"
#include "child/process/child_process.h"
#include "examples/dummy_process/dummy_protocol.h"
#include "examples/dummy_process/hotline.h"
#include "transceiver/actor/actor.h"
#include "transceiver/actor/resolver.h"

namespace dummy_process {

class DummyChild : public forkserver::ChildProcess<DummyChild, DummyProtocol> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
  absl::Status Receive(AnswerHotline& message);

 private:
  class Line : public forkserver::Actor<Line, Hotline, forkserver::Side::kChild> {
   public:
    explicit Line(DummyChild& dummy) : dummy_(dummy) {}
    absl::Status Receive(GetAssistance& message, forkserver::Resolver<Assistance> resolver);
    void ActorDestroy(const forkserver::ActorEnd& end) override;

   private:
    DummyChild& dummy_;
  };

  Line line_{*this};
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_DUMMY_CHILD_H_
