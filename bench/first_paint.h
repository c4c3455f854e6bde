// Opens a small page in the browser host's content processes: from its URL to its picture, and what
// its process weighs while the page is open.
//
//     auto browser = SmallPageBrowser::Create(*server, ProcessesFrom::kPool);
//     absl::StatusOr<double> micros = (*browser)->FirstPaint();
//     absl::StatusOr<double> kib = (*browser)->ProportionalKib(20);
//
// The page is small_page.html; its processes are those of `tools/run --pictures`, with its
// templates, warm-ups, policy and messages. Ownership: borrows the server. Threads: one.
#ifndef BENCH_FIRST_PAINT_H_
#define BENCH_FIRST_PAINT_H_

#include <stdint.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/host/fork_server.h"

namespace bench {

enum class ProcessesFrom : uint8_t {
  kExec,      // dom.ipc.forkserver.enable is false; the content template is never started
  kTemplate,  // a fork for each page; nothing waits ahead
  kPool,      // preallocated ones
};

class SmallPageBrowser {
 public:
  // `server` was started with browser_host::MakeStartOptions({}). Waits for the content template.
  static absl::StatusOr<std::unique_ptr<SmallPageBrowser>> Create(forkserver::ForkServer& server,
                                                                  ProcessesFrom from);
  SmallPageBrowser(const SmallPageBrowser&) = delete;
  SmallPageBrowser& operator=(const SmallPageBrowser&) = delete;
  ~SmallPageBrowser();

  // Microseconds from the URL, as text, to the page's picture, which is mapped in this process by
  // then. Its process is new, and is ended and reaped outside of the time. kPool waits, before it,
  // until blanks are there and have done what they do ahead.
  absl::StatusOr<double> FirstPaint();

  // Opens the page on so many sites, which gives each a process of its own, and keeps all of them
  // open, and their pictures, until all are weighed; the sum by `pages`, in KiB. A process's weight
  // is the kernel's proportional set size (Pss of smaps_rollup), in which a page of memory that
  // several processes map is divided among those. In the sum are the pages' processes and, of
  // those that are forked, also what is there for that: seed, templates and their inits. This
  // process is not, with either: its part in what it shares with them does not count.
  absl::StatusOr<double> ProportionalKib(int pages);

 private:
  struct Model;

  explicit SmallPageBrowser(std::unique_ptr<Model> model);

  std::unique_ptr<Model> model_;
};

}  // namespace bench

#endif  // BENCH_FIRST_PAINT_H_
