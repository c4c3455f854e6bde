#include "forkserver/host/broker/broker.h"

#include <utility>

#include "forkserver/host/broker/broker_core.h"

namespace forkserver {

ChildRegistration& ChildRegistration::operator=(ChildRegistration&& other) noexcept {
  if (this == &other) return *this;
  reset();
  core_ = std::move(other.core_);
  child_ = std::move(other.child_);
  return *this;
}

void ChildRegistration::SetType(ProcessType type) {
  if (child_ != nullptr) child_->type = type;
}

void ChildRegistration::reset() {
  if (child_ != nullptr) core_->Unregister(*child_);
  child_.reset();
  core_.reset();
}

absl::StatusOr<std::unique_ptr<Broker>> Broker::Start(BrokerOptions options) {
  absl::StatusOr<std::shared_ptr<broker_internal::Core>> core =
      broker_internal::Core::Start(std::move(options));
  if (!core.ok()) return core.status();
  return std::unique_ptr<Broker>(new Broker(*std::move(core)));
}

Broker::~Broker() { core_->Stop(); }

bool Broker::Stop() { return core_->Stop(); }

absl::StatusOr<ListenerId> Broker::Serve(UniqueFd listener,
                                         const std::vector<BrokerRules>& rulesets) {
  return core_->Serve(std::move(listener), rulesets);
}

void Broker::StopServing(ListenerId id) { core_->StopServing(id); }

absl::StatusOr<ChildRegistration> Broker::Register(ListenerId id, pid_t pid, size_t ruleset,
                                                   ProcessType type) {
  absl::StatusOr<std::shared_ptr<broker_internal::Child>> child =
      core_->Register(id, pid, ruleset, type);
  if (!child.ok()) return child.status();
  return ChildRegistration(core_, *std::move(child));
}

SandboxReporter& Broker::reporter() { return core_->reporter(); }

}  // namespace forkserver
