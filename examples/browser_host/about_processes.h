// about:processes: what all processes of the browser host are and cost, while its pages are open.
//
//     auto about = AboutProcesses::Start(*parent, {.json = false});
//     OpenSites(*parent, sites, {.keeps_open = true,
//                                .on_all_done = [&] { (*about)->OnAllDone(); },
//                                .should_stop = [&] { return (*about)->is_over(); }});
//
// On a terminal a table that is redrawn each second, until q, and below it what of templates'
// memory their children have dirtied, and what content processes say of their own, of each fifth
// second; else, and as JSON, one report when all pages are done, with processor shares of the time
// since Start.
//
// Borrows the parent. Threads: that of its loop.
#ifndef EXAMPLES_BROWSER_HOST_ABOUT_PROCESSES_H_
#define EXAMPLES_BROWSER_HOST_ABOUT_PROCESSES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/full_screen.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/report/own_memory_round.h"
#include "forkserver/report/process_report.h"
#include "forkserver/report/template_memory.h"
#include "transceiver/event_loop.h"

namespace browser_host {

class AboutProcesses {
 public:
  struct Options {
    bool json = false;
  };

  static absl::StatusOr<std::unique_ptr<AboutProcesses>> Start(forkserver::ParentProcess& parent,
                                                               Options options);
  AboutProcesses(const AboutProcesses&) = delete;
  AboutProcesses& operator=(const AboutProcesses&) = delete;
  ~AboutProcesses() { End(); }

  // A table is there, until End; else one report is printed.
  bool has_terminal() const { return screen_ != nullptr; }
  void OnAllDone();
  // It was printed, or somebody has pressed q.
  bool is_over() const { return is_over_; }
  // Gives the terminal back, before the processes are ended.
  void End();

 private:
  AboutProcesses(forkserver::ParentProcess& parent, Options options)
      : parent_(parent), options_(options) {}

  void Take();
  void TakeMemory();
  void AskForOwnMemory();
  void Print();
  std::string MemoryText(size_t columns) const;
  void OnSecond();
  void Draw();

  forkserver::ParentProcess& parent_;
  const Options options_;
  std::unique_ptr<FullScreen> screen_;  // null: one report is printed
  forkserver::EventLoop::TimerId timer_ = 0;
  forkserver::ProcessReport report_;
  std::vector<forkserver::TemplateMemory> memory_;  // of less often
  forkserver::OwnMemoryRound::Answers own_;
  std::unique_ptr<forkserver::OwnMemoryRound> round_;  // of which `own_` will come
  int seconds_ = 0;
  bool is_over_ = false;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ABOUT_PROCESSES_H_
