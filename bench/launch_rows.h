// The rows that launch: through the template, by exec, and by a direct fork beside them.
#ifndef BENCH_LAUNCH_ROWS_H_
#define BENCH_LAUNCH_ROWS_H_

#include <memory>
#include <vector>

#include "bench/row.h"
#include "child/child_program.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// What the benchmark's children run, ProcessType::kUtility: "exit" ends at once, "echo" sends back
// every packet until the host hangs up.
class BenchProgram : public forkserver::ChildProgram {
 public:
  int Run(forkserver::ChildContext& context) override;
};

// Keeps what the rows share. Outlives them.
class LaunchRows {
 public:
  // `server` is borrowed.
  static absl::StatusOr<std::unique_ptr<LaunchRows>> Create(forkserver::ForkServer& server);
  ~LaunchRows();

  std::vector<Row> Rows();

  // The realistic Plan of every launch row.
  const forkserver::LaunchOptions& options() const { return options_; }

 private:
  explicit LaunchRows(forkserver::ForkServer& server);

  absl::StatusOr<double> SeqpacketRoundtrip();
  absl::StatusOr<double> ForkReady();
  absl::StatusOr<double> ForkExit();
  absl::StatusOr<double> LaunchReady(forkserver::LaunchWay way);
  absl::StatusOr<double> LaunchExit();

  forkserver::ForkServer& server_;
  forkserver::LaunchOptions options_;
  std::vector<forkserver::UniqueFd> open_;
  std::unique_ptr<forkserver::LaunchedChild> echo_;
};

}  // namespace bench

#endif  // BENCH_LAUNCH_ROWS_H_
