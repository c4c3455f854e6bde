#include "bench/crash_rows.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "bench/heap.h"
#include "bench/sampler.h"

namespace bench {

std::vector<Row> CrashRows() {
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string path = folder / "crash_sampler";
  const auto sampler =
      std::make_shared<SharedSampler>(std::vector<std::string>{path}, Mebibytes{0});
  return {{.name = "crash_report",
           .unit = "ms",
           .what = "crash of a sandboxed child, to its report written as text and JSON",
           .sample = [sampler] { return sampler->Sample("report"); },
           .group = Group::kStart,
           .every = 20,
           .prepare = [sampler, path]() -> absl::Status {
             if (access(path.c_str(), X_OK) != 0) {
               return absl::UnavailableError("not built: //bench:crash_sampler");
             }
             return sampler->Start();
           }}};
}

}  // namespace bench
