#include "examples/browser_host/spoken_lines.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"
#include "transceiver/poll_until.h"
#include "transceiver/write_all.h"

namespace browser_host {
namespace {

void Write(std::string_view line) {
  const std::string text = absl::StrCat(std::string(line), "\n");
  // Nobody could be told of another error.
  while (forkserver::WriteAll(STDERR_FILENO, text) == EAGAIN) {
    forkserver::PollUntil(STDERR_FILENO, POLLOUT, forkserver::kNever);
  }
}

}  // namespace

void SpokenLines::Say(std::string_view line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!is_held_) {
    Write(line);
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
    Write(absl::StrFormat("browser_host: %d lines before these are lost",
                          std::exchange(dropped_, 0)));
  }
  for (const std::string& line : std::exchange(waiting_, {})) Write(line);
}

std::string WroteLine(std::string_view path) {
  return absl::StrCat("wrote ", forkserver::OneLine(path));
}

}  // namespace browser_host
