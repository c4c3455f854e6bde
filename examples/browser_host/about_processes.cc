#include "examples/browser_host/about_processes.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "forkserver/report/model_children.h"
#include "forkserver/report/process_json.h"
#include "forkserver/report/process_table.h"
#include "transceiver/clock.h"

namespace browser_host {

// The first line is for the user, the second is the table's.
constexpr size_t kHeadLines = 2;
// How seldom memory is compared, which costs more than the table.
constexpr int kSecondsOfMemory = 5;
// How long a content process may take to say what it has.
constexpr absl::Duration kPatience = absl::Seconds(1);

absl::StatusOr<std::unique_ptr<AboutProcesses>> AboutProcesses::Start(
    forkserver::ParentProcess& parent, Options options) {
  std::unique_ptr<AboutProcesses> about(new AboutProcesses(parent, options));
  about->Take();
  if (options.json || isatty(STDOUT_FILENO) == 0) return about;
  absl::StatusOr<std::unique_ptr<FullScreen>> screen = FullScreen::Enter(
      parent.loop(),
      [about = about.get()](char key) {
        if (key == 'q') about->is_over_ = true;
      },
      [about = about.get()] { about->Draw(); });
  if (!screen.ok()) return screen.status();
  about->screen_ = *std::move(screen);
  about->OnSecond();
  return about;
}

void AboutProcesses::Take() {
  report_ =
      forkserver::TakeProcessReport(parent_.server(), forkserver::ChildrenOf(parent_), &report_);
  forkserver::AddOwnFigures(own_, report_);
}

void AboutProcesses::TakeMemory() { memory_ = forkserver::MeasureTemplates(report_); }

void AboutProcesses::AskForOwnMemory() {
  round_ = forkserver::OwnMemoryRound::Start(
      parent_, kPatience, [this](const forkserver::OwnMemoryRound::Answers& answers) {
        own_ = answers;
        if (screen_ == nullptr) Print();
      });
}

void AboutProcesses::OnSecond() {
  Take();
  if (seconds_++ % kSecondsOfMemory == 0) {
    TakeMemory();
    AskForOwnMemory();
  }
  Draw();
  timer_ = parent_.loop().AddTimer(forkserver::NowNanos() + forkserver::kNanosPerSecond,
                                   [this] { OnSecond(); });
}

void AboutProcesses::Draw() {
  if (screen_ == nullptr) return;
  const size_t columns = SizeOfTerminal().columns;
  const std::string title = "about:processes   q: end   up, down: scroll";
  screen_->Draw(forkserver::CutToColumns(title, columns) + "\n" +
                    forkserver::ToTable(report_, columns) + MemoryText(columns),
                kHeadLines);
}

std::string AboutProcesses::MemoryText(size_t columns) const {
  std::string text;
  for (const forkserver::TemplateMemory& one : memory_) {
    text += "\n" + forkserver::ToText(one.memory, one.name, columns);
  }
  const std::string own = forkserver::ToOwnText(report_, columns);
  if (!own.empty()) text += "\n" + own;
  return text;
}

void AboutProcesses::OnAllDone() {
  if (screen_ == nullptr) AskForOwnMemory();
}

void AboutProcesses::Print() {
  Take();
  TakeMemory();
  absl::PrintF("%s", options_.json ? forkserver::ToJson(report_, memory_) + "\n"
                                   : forkserver::ToTable(report_) + MemoryText(0));
  is_over_ = true;
}

void AboutProcesses::End() {
  if (timer_ != 0) parent_.loop().CancelTimer(std::exchange(timer_, 0));
  round_.reset();
  screen_.reset();
}

}  // namespace browser_host
