// The rows of the actors: a call and its reply over an endpoint, and messages a second one way,
// each beside the same bytes over a bare socket.
#ifndef BENCH_ACTOR_ROWS_H_
#define BENCH_ACTOR_ROWS_H_

#include <memory>
#include <vector>

#include "bench/bench_program.h"
#include "bench/row.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// Keeps what the rows share: two children, launched at the first use. Outlives them.
class ActorRows {
 public:
  // `server` and `plan` are borrowed.
  ActorRows(forkserver::ForkServer& server, const RealisticPlan& plan);
  ~ActorRows();

  std::vector<Row> Rows();

 private:
  struct Ends;

  absl::Status Prepare();
  absl::StatusOr<double> Roundtrip();
  absl::StatusOr<double> ActorRate(size_t bytes, int messages);
  absl::StatusOr<double> RawRate(size_t bytes, int messages);

  forkserver::ForkServer& server_;
  const RealisticPlan& plan_;
  std::unique_ptr<Ends> ends_;
};

}  // namespace bench

#endif  // BENCH_ACTOR_ROWS_H_
