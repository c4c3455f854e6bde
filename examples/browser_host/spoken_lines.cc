#include "examples/browser_host/spoken_lines.h"

#include <stdio.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace browser_host {

void SpokenLines::Say(std::string_view line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!is_held_) {
    absl::FPrintF(stderr, "%s\n", line);
    return;
  }
  waiting_.emplace_back(line);
  if (waiting_.size() <= kMostWaiting) return;
  waiting_.pop_front();
  ++dropped_;
}

std::function<void(std::string_view line)> SpokenLines::AsLog() {
  return [this](std::string_view line) { Say(absl::StrCat("browser_host: ", std::string(line))); };
}

void SpokenLines::Hold() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_held_ = true;
}

void SpokenLines::LetGo() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_held_ = false;
  if (dropped_ > 0) {
    absl::FPrintF(stderr, "browser_host: %d lines before these are lost\n",
                  std::exchange(dropped_, 0));
  }
  for (const std::string& line : std::exchange(waiting_, {})) absl::FPrintF(stderr, "%s\n", line);
}

}  // namespace browser_host
