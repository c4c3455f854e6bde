#include "examples/browser_host/about_processes.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/report/model_children.h"
#include "forkserver/report/process_json.h"
#include "forkserver/report/process_table.h"
#include "transceiver/clock.h"

namespace browser_host {

// The first line is for the user, the second is the table's.
constexpr size_t kHeadLines = 2;
// How seldom memory is compared, which costs more than the table.
constexpr int kSecondsOfMemory = 5;

namespace {

std::string MemoryText(const std::vector<forkserver::TemplateMemory>& memory, size_t columns) {
  std::string text;
  for (const forkserver::TemplateMemory& one : memory) {
    text += "\n" + forkserver::ToText(one.memory, one.name, columns);
  }
  return text;
}

}  // namespace

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
}

void AboutProcesses::TakeMemory() { memory_ = forkserver::MeasureTemplates(report_); }

void AboutProcesses::OnSecond() {
  Take();
  if (seconds_++ % kSecondsOfMemory == 0) TakeMemory();
  Draw();
  timer_ = parent_.loop().AddTimer(forkserver::NowNanos() + forkserver::kNanosPerSecond,
                                   [this] { OnSecond(); });
}

void AboutProcesses::Draw() {
  if (screen_ == nullptr) return;
  const size_t columns = SizeOfTerminal().columns;
  const std::string title = "about:processes   q: end   up, down: scroll";
  screen_->Draw(forkserver::CutToColumns(title, columns) + "\n" +
                    forkserver::ToTable(report_, columns) + MemoryText(memory_, columns),
                kHeadLines);
}

void AboutProcesses::OnAllDone() {
  if (screen_ != nullptr) return;
  Take();
  TakeMemory();
  absl::PrintF("%s", options_.json ? forkserver::ToJson(report_, memory_) + "\n"
                                   : forkserver::ToTable(report_) + MemoryText(memory_, 0));
  is_over_ = true;
}

void AboutProcesses::End() {
  if (timer_ != 0) parent_.loop().CancelTimer(std::exchange(timer_, 0));
  screen_.reset();
}

}  // namespace browser_host
