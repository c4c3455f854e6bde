// When a template that has died is started again, and what its asker is told meanwhile.
#include <sys/random.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/template_instance.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

// From 0 to 1. Without random bytes so early in a machine's life there is no jitter.
double Draw() {
  uint32_t bits = 0;
  if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits)) return 0;
  return bits / static_cast<double>(UINT32_MAX);
}

}  // namespace

bool TemplateInstance::IsRecovering() const {
  if (Serves()) return false;
  if (has_died_ || IsGivenUp()) return true;
  return !Runs() && place_.parent != nullptr && place_.parent->IsRecovering();
}

bool TemplateInstance::IsGivenUp() const {
  if (Runs()) return false;
  if (!host_.safe_mode.ok() || restart_.is_given_up()) return true;
  return place_.parent != nullptr && place_.parent->IsGivenUp();
}

// Those above it that do not run have to be started too.
int64_t TemplateInstance::MayStartAt() const {
  if (!host_.safe_mode.ok()) return kNever;
  const int64_t own = Runs() ? 0 : restart_.may_start_at();
  return place_.parent != nullptr && !Runs() ? std::max(own, place_.parent->MayStartAt()) : own;
}

absl::Status TemplateInstance::WhyNotYet() const {
  if (!host_.safe_mode.ok()) return host_.safe_mode;
  const int64_t now = NowNanos();
  const int64_t at = MayStartAt();
  if (now >= at) return absl::OkStatus();
  const TemplateInstance* dead = this;
  while (now >= dead->restart_.may_start_at()) dead = dead->place_.parent;
  const absl::Status& why = dead->last_death_;
  const int deaths = dead->restart_.deaths();
  std::string text(why.message());
  if (dead->restart_.is_given_up()) {
    text = absl::StrFormat("safe mode: %s died %d times in a row, the last time: %s", dead->Label(),
                           deaths, text);
  } else {
    absl::StrAppendFormat(&text, "; after %d deaths it is not started again before %.3f s", deaths,
                          static_cast<double>(at - now) / kNanosPerSecond);
  }
  absl::Status said(why.code(), text);
  why.ForEachPayload(
      [&said](absl::string_view url, const absl::Cord& payload) { said.SetPayload(url, payload); });
  return said;
}

void TemplateInstance::UseAt(int64_t when) {
  if (is_ending_ || retry_ != 0 || when == kNever) return;
  retry_at_ = when;
  retry_ = host_.loop.AddTimer(when, [this] {
    retry_ = 0;
    retry_at_ = 0;
    // What comes of it is in its status.
    Use().IgnoreError();
    on_change_();
  });
  on_change_();
}

absl::Status TemplateInstance::UseRoot() {
  const auto seed_lives = [this] {
    return seed_ != nullptr && seed_->state() != TemplateLink::State::kDead;
  };
  if (seed_lives()) {
    const absl::Status forked = Launch(seed_);
    // A seed that died unnoticed is found dead by asking it.
    if (forked.ok() || seed_lives()) return forked;
  }
  return Launch(nullptr);
}

void TemplateInstance::CountDeath() {
  if (counted_ == link_->state()) return;
  counted_ = link_->state();
  const int64_t now = NowNanos();
  has_died_ = counted_ == TemplateLink::State::kDead;
  if (has_died_) last_death_ = link_->why_dead();
  if (counted_ == TemplateLink::State::kServing) return restart_.OnServing(now);
  // One that has not come to be, since its parent died first, has not died.
  const bool was_parents = answer_ == Answer::kDelayed && !link_->has_said_ready();
  if (was_parents) return;
  restart_.OnDeath(now, Draw());
  if (restart_.is_given_up()) Show(TemplateEvent::Kind::kGivenUp, WhyNotYet());
}

}  // namespace forkserver
