#include "bench/paint_rows.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "bench/heap.h"
#include "bench/sampler.h"

namespace bench {
namespace {

// What 20 processes that share nothing may need.
constexpr Mebibytes kNeeded = {512};

using Command = std::vector<std::string>;

absl::Status CheckBuilt(const std::string& program) {
  if (access(program.c_str(), X_OK) == 0) return absl::OkStatus();
  return absl::UnavailableError("not built: //bench:paint_sampler");
}

Row FirstPaint(const Command& command, Row row) {
  row.unit = "us";
  row.group = Group::kPage;
  row = SampledBy(std::make_shared<SharedSampler>(command, kNeeded), "paint", std::move(row));
  row.prepare = [start = row.prepare, program = command[0]] {
    const absl::Status built = CheckBuilt(program);
    return built.ok() ? start() : built;
  };
  return row;
}

// In a sampler that is started for each sample: another one's processes map the same libraries, and
// would take a part of what is weighed.
Row Pss(const Command& command, Row row) {
  row.unit = "KiB";
  row.group = Group::kPageMemory;
  row.sample = [command]() -> absl::StatusOr<double> {
    const absl::StatusOr<std::unique_ptr<Sampler>> sampler = Sampler::Start(command);
    if (!sampler.ok()) return sampler.status();
    return (*sampler)->Sample("pss");
  };
  row.prepare = [program = command[0]] { return CheckBuilt(program); };
  return row;
}

}  // namespace

std::vector<Row> PaintRows() {
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string path = folder / "paint_sampler";
  return {
      // First, since the samplers of the others stay.
      Pss({path, "--exec"},
          {.name = "page_process_pss_exec",
           .what = "proportional set size of each of 20 pages' processes, exec'ed"}),
      Pss({path, "--template"},
          {.name = "page_process_pss_template",
           .baseline = "page_process_pss_exec",
           .what = "the same, forked, with a 20th of that of seed and templates in each"}),
      FirstPaint({path, "--exec"},
                 {.name = "first_paint_exec",
                  .what = "from a URL to the picture of a small page, in an exec'ed process"}),
      FirstPaint({path, "--template"},
                 {.name = "first_paint_template",
                  .baseline = "first_paint_exec",
                  .what = "the same in one that is forked from a template with a warm painter"}),
      FirstPaint({path, "--pool"}, {.name = "first_paint_pool",
                                    .baseline = "first_paint_exec",
                                    .what = "the same in a preallocated one"}),
  };
}

}  // namespace bench
