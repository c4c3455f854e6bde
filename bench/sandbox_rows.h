// The rows of the sandbox: launches from a sandboxed template beside unsandboxed ones, the same
// sandbox built in each child as peers do it, and what calls cost inside.
#ifndef BENCH_SANDBOX_ROWS_H_
#define BENCH_SANDBOX_ROWS_H_

#include <memory>
#include <string_view>
#include <vector>

#include "bench/bench_program.h"
#include "bench/pool_view.h"
#include "bench/row.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/host/template_options.h"

namespace bench {

// Below the root and of the content policy, with all layers.
inline constexpr std::string_view kSandboxedTemplate = "sandboxed";
std::vector<forkserver::TemplateOptions> SandboxedTemplates();

// Keeps what the rows share. Outlives them.
class SandboxRows {
 public:
  // `server` and `plan` are borrowed; the server was started with SandboxedTemplates.
  SandboxRows(forkserver::ForkServer& server, const RealisticPlan& plan);

  std::vector<Row> Rows();

 private:
  absl::Status Prepare();

  // A child that times calls of its own, launched at its first use.
  absl::StatusOr<double> TimeInside(std::unique_ptr<forkserver::LaunchedChild>& child,
                                    std::string_view template_name, std::string_view what);

  absl::StatusOr<double> PooledReady();

  forkserver::ForkServer& server_;
  const RealisticPlan& plan_;
  const IdleBlanks idle_blanks_;
  std::unique_ptr<forkserver::LaunchedChild> plain_;
  std::unique_ptr<forkserver::LaunchedChild> sandboxed_;
};

}  // namespace bench

#endif  // BENCH_SANDBOX_ROWS_H_
