// What the observer is told of a template.
#include <utility>

#include "forkserver/host/template_instance.h"
#include "transceiver/clock.h"

namespace forkserver {

void TemplateInstance::Show(TemplateEvent::Kind kind, absl::Status why) const {
  if (!is_observed()) return;
  host_.observer->OnTemplateEvent(
      {.kind = kind,
       .name = place_.options.name,
       .parent = place_.options.parent,
       .layout = place_.layout,
       .starts = starts_,
       .at = NowNanos(),
       .pid = pid_,
       .hello = kind == TemplateEvent::Kind::kServing ? &link_->hello() : nullptr,
       .why = std::move(why)});
}

// Its Hello may overtake its parent's word of its pid.
void TemplateInstance::ShowState() {
  if (!is_observed()) return;
  if (Serves() && pid_.has_value() && !std::exchange(is_shown_serving_, true)) {
    Show(TemplateEvent::Kind::kServing);
  }
  const bool has_died = link_->state() == TemplateLink::State::kDead;
  if (has_died && counted_ != link_->state()) Show(TemplateEvent::Kind::kDied, link_->why_dead());
}

void TemplateInstance::SetProcess(Process process) {
  if (is_observed()) {
    const pid_t pid = process.pid();
    pid_ = pid;
    process.ListenForEnd([observer = host_.observer, pid, name = place_.options.name,
                          layout = place_.layout](const ExitStatus& status) {
      observer->OnProcessEnded({.pid = pid,
                                .type = ProcessType::kForkServer,
                                .template_name = name,
                                .layout = layout,
                                .seen_at = NowNanos(),
                                .status = status});
    });
  }
  link_->SetProcess(std::move(process));
}

}  // namespace forkserver
