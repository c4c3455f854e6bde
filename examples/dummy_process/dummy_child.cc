#include "examples/dummy_process/dummy_child.h"

#include <utility>

namespace dummy_process {

using forkserver::ActorEnd;
using forkserver::Resolver;

absl::Status DummyChild::Receive(AnswerHotline& message) {
  return line_.Bind(loop(), std::move(message.end));
}

absl::Status DummyChild::Line::Receive(GetAssistance&, Resolver<Assistance> resolver) {
  return resolver.Resolve({.words = "Have you tried turning it off and on again?"});
}

void DummyChild::Line::ActorDestroy(const ActorEnd&) { dummy_.CloseSoon(); }

}  // namespace dummy_process
