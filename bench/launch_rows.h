// The rows of single launches in the benchmark's own process: through the template, from the pool,
// by exec, and by a direct fork beside them; and what a child weighs.
#ifndef BENCH_LAUNCH_ROWS_H_
#define BENCH_LAUNCH_ROWS_H_

#include <memory>
#include <vector>

#include "bench/bench_program.h"
#include "bench/pool_view.h"
#include "bench/row.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// Keeps what the rows share. Outlives them.
class LaunchRows {
 public:
  // `server` is borrowed.
  static absl::StatusOr<std::unique_ptr<LaunchRows>> Create(forkserver::ForkServer& server);
  ~LaunchRows();

  std::vector<Row> Rows();
  std::vector<Row> MemoryRows();

  const RealisticPlan& plan() const { return plan_; }
  // A Ready child that waits for packets, launched with the realistic Plan.
  pid_t ready_child() const { return echo_->process.pid(); }

 private:
  LaunchRows(forkserver::ForkServer& server, RealisticPlan plan);

  absl::StatusOr<double> SeqpacketRoundtrip();
  absl::StatusOr<double> PooledReady();
  absl::StatusOr<double> ExecReady();

  forkserver::ForkServer& server_;
  const RealisticPlan plan_;
  const IdleBlanks idle_blanks_;
  std::unique_ptr<forkserver::LaunchedChild> echo_;
};

}  // namespace bench

#endif  // BENCH_LAUNCH_ROWS_H_
