#include "tests/sandbox/attempt_host.h"

#include <utility>

namespace forkserver::testing {
namespace {

template <typename Protocol>
class HostOf final : public ProcessHost<HostOf<Protocol>, Protocol>, public AttemptHost {
 public:
  using Base = ProcessHost<HostOf<Protocol>, Protocol>;
  using Base::Base;
  using Base::Receive;

  // Of content's protocol. Nobody here has a browser to speak for.
  absl::Status Receive(CreateNested&, Resolver<NestedCreated>) { return NoBrowser(); }
  absl::Status Receive(OpenNestedBrowser&, Resolver<NestedBrowser>) { return NoBrowser(); }
  absl::Status Receive(CloseNestedBrowser&) { return NoBrowser(); }

  void OnEnd(const ProcessEnd& end) override { end_.emplace(end); }

  ProcessHostCore& core() override { return *this; }
  absl::Status SendTry(const Try& message,
                       std::function<void(absl::StatusOr<Tried>)> callback) override {
    return this->Call(message, std::move(callback));
  }
  absl::Status SendBeSibling(const BeSibling& message,
                             std::function<void(absl::StatusOr<Sibling>)> callback) override {
    return this->Call(message, std::move(callback));
  }
  absl::Status SendMisbehave(const Misbehave& message) override { return this->Send(message); }

 private:
  static absl::Status NoBrowser() { return absl::PermissionDeniedError("it has no browser"); }
};

}  // namespace

std::unique_ptr<AttemptHost> AttemptHost::Create(ParentProcess& parent, ProcessType type) {
  if (type == ProcessType::kContent) {
    return std::make_unique<HostOf<ContentAttemptProtocol>>(parent, type);
  }
  return std::make_unique<HostOf<PlainAttemptProtocol>>(parent, type);
}

}  // namespace forkserver::testing
