#include "bench/trace_rows.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "bench/heap.h"
#include "bench/sampler.h"

namespace bench {
namespace {

// Two hosts of one build differ by some percent, since their memory lies elsewhere: more than what
// is to be seen here. So each row has several, which take turns.
constexpr size_t kHosts = 4;

struct Hosts {
  std::vector<std::unique_ptr<SharedSampler>> all;
  size_t turn = 0;

  absl::Status Start() {
    for (const auto& one : all) {
      if (absl::Status started = one->Start(); !started.ok()) return started;
    }
    return absl::OkStatus();
  }
  absl::StatusOr<double> Sample() { return all[turn++ % kHosts]->Sample("ready"); }
};

Row TraceRow(const std::string& program, std::vector<std::string> arguments, Row row) {
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string path = folder / program;
  arguments.insert(arguments.begin(), path);
  const auto hosts = std::make_shared<Hosts>();
  for (size_t i = 0; i < kHosts; ++i) {
    hosts->all.push_back(std::make_unique<SharedSampler>(arguments, Mebibytes{0}));
  }
  row.unit = "us";
  row.group = Group::kTrace;
  row.sample = [hosts] { return hosts->Sample(); };
  row.prepare = [hosts, path] {
    if (access(path.c_str(), X_OK) != 0) {
      return absl::UnavailableError("not built: //bench:" +
                                    std::filesystem::path(path).filename().string());
    }
    return hosts->Start();
  };
  return row;
}

}  // namespace

std::vector<Row> TraceRows() {
  return {
      TraceRow("untraced_sampler", {},
               {.name = "untraced_ready",
                .what = "launch_ready of a host that is built without traces"}),
      TraceRow("trace_sampler", {},
               {.name = "trace_off",
                .baseline = "untraced_ready",
                .what = "the same host built with them, and off"}),
      TraceRow("trace_sampler", {"--trace"},
               {.name = "trace_on",
                .baseline = "untraced_ready",
                .what = "the same, and written to a file",
                // So that those two before it mostly follow each other.
                .every = 4}),
      TraceRow("trace_sampler", {"--records"},
               {.name = "records_on",
                .baseline = "trace_off",
                .what = "the same without traces, with a flight record for each process",
                .every = 4}),
  };
}

}  // namespace bench
