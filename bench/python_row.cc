#include "bench/python_row.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>

#include "bench/sampler.h"
#include "transceiver/errno_status.h"

namespace bench {
namespace {

constexpr char kScript[] =
#include "bench/python_forkserver_text.inc"
    ;

// The script as a file, since Python's fork server imports the program that started it; and the
// Python that runs it.
class Python {
 public:
  ~Python() {
    sampler_.reset();
    if (!folder_.empty()) {
      unlink(Path().c_str());
      rmdir(folder_.c_str());
    }
  }

  absl::Status Start() {
    char folder[] = "/tmp/launch_bench.XXXXXX";
    if (mkdtemp(folder) == nullptr) return forkserver::ErrnoStatus(errno, "mkdtemp");
    folder_ = folder;
    std::ofstream(Path()) << kScript;
    // Without byte code, which would be left behind in the folder.
    absl::StatusOr<std::unique_ptr<Sampler>> sampler = Sampler::Start({"python3", "-B", Path()});
    // One that cannot run it is as good as none.
    if (!sampler.ok()) return absl::UnavailableError(std::string(sampler.status().message()));
    sampler_ = *std::move(sampler);
    return absl::OkStatus();
  }

  absl::StatusOr<double> Sample() { return sampler_->Sample("ready"); }

 private:
  std::string Path() const { return folder_ + "/python_forkserver.py"; }

  std::string folder_;
  std::unique_ptr<Sampler> sampler_;
};

}  // namespace

Row PythonForkserverRow() {
  const auto python = std::make_shared<Python>();
  return {.name = "python_forkserver_ready",
          .baseline = "fork_ready",
          .unit = "us",
          .what = "Python's multiprocessing forkserver, Process.start() to the child's first byte",
          .sample = [python] { return python->Sample(); },
          .every = 200,
          .prepare = [python] { return python->Start(); }};
}

}  // namespace bench
