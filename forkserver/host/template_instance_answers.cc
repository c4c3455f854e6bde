// What a template's parent says of its start, also where the parent dies first and one start has
// been followed by another.
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/host/template_instance.h"

namespace forkserver {

void TemplateInstance::OnForked(uint64_t id, Process process, const ForkedMessage&) {
  if (id != start_request_) {
    const auto earlier = buried_alive_.find(id);
    if (earlier == buried_alive_.end()) return host_.reaper.KillAndReap(std::move(process));
    earlier->second->SetProcess(std::move(process));
    buried_alive_.erase(earlier);
    return;
  }
  // The server has ended meanwhile.
  if (link_ == nullptr) return host_.reaper.KillAndReap(std::move(process));
  answer_ = Answer::kGiven;
  if (const SandboxedChild* sandboxed = process.sandboxed()) {
    parents_chain_ = sandboxed->membership().chain;
  }
  SetProcess(std::move(process));
  OnState();
}

void TemplateInstance::OnForkFailed(uint64_t id, const FailedMessage& failed) {
  if (id == start_request_ && link_ != nullptr) {
    link_->Kill(LaunchFailureStatus("start of " + Label(), failed));
  }
  OnNoChild(id);
}

void TemplateInstance::OnTemplateDead(uint64_t id, const absl::Status& why) {
  if (id != start_request_) return;
  answer_ = Answer::kDelayed;
  why_delayed_ = why;
  const TemplateLink* const parent = ParentLink();
  if (parent != nullptr && parent->sandbox() != nullptr) {
    parents_chain_ = parent->sandbox()->children.chain;
  }
  OnState();
}

void TemplateInstance::OnNoChild(uint64_t id) {
  if (const auto earlier = buried_alive_.find(id); earlier != buried_alive_.end()) {
    earlier->second->NeverWas();
    buried_alive_.erase(earlier);
  }
  if (id != start_request_ || link_ == nullptr) return;
  if (answer_ == Answer::kDelayed) KillForParent();
  answer_ = Answer::kGiven;
  link_->NeverWas();
}

// A fork that failed closes the launch socket too, and may be told of by that first.
void TemplateInstance::LearnWhyNotForked() {
  if (answer_ == Answer::kOwed) {
    if (TemplateLink* const parent = ParentLink()) parent->ReadAnswers();
  }
  if (answer_ == Answer::kDelayed && !link_->has_said_ready()) KillForParent();
}

void TemplateInstance::KillForParent() {
  link_->Kill(
      absl::UnavailableError(absl::StrFormat("start of %s: %s", Label(), why_delayed_.message())));
}

}  // namespace forkserver
