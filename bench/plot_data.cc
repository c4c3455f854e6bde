#include "bench/plot_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace bench {
namespace {

using forkserver::ErrnoStatus;

constexpr char kLatency[] = "latency.dat";
constexpr char kGrowth[] = "growth.dat";
constexpr char kThroughput[] = "throughput.dat";
constexpr char kForkRate[] = "fork_exit_rate";
constexpr char kLaunchRate[] = "launch_exit_rate_c";

std::string LatencyText(const Run& run) {
  std::string text;
  for (const Result& result : run.results) {
    if (result.unit != "us") continue;
    // Two empty lines end a block for gnuplot, and the first line of one is its title.
    absl::StrAppend(&text, text.empty() ? "" : "\n\n", result.name, "\n");
    // Without the slowest sample, which would be most of the picture.
    for (size_t percent = 0; percent + 1 < result.percentiles.size(); ++percent) {
      absl::StrAppend(&text, absl::StrFormat("%.1f %.2f\n", result.percentiles[percent],
                                             static_cast<double>(percent) / 100));
    }
  }
  return text;
}

std::string Spread(const Result& result) {
  return absl::StrFormat("%.1f %.1f %.1f", result.percentiles[10], result.p50, result.p90);
}

std::string GrowthText(const std::vector<GrowthPoint>& growth) {
  std::string text = "# MiB  fork us: p10 p50 p90  launch us: p10 p50 p90\n";
  for (const GrowthPoint& point : growth) {
    absl::StrAppend(&text, point.heap.count, " ", Spread(point.fork), " ", Spread(point.launch),
                    "\n");
  }
  return text;
}

std::string ThroughputText(const Run& run) {
  double fork = 0;
  std::string text = "# in flight  launches per second: p10 p50 p90  fork loop: p50\n";
  for (const Result& result : run.results) {
    if (result.name == kForkRate) fork = result.p50;
    if (!absl::StartsWith(result.name, kLaunchRate)) continue;
    const std::string_view in_flight =
        std::string_view(result.name).substr(std::string_view(kLaunchRate).size());
    absl::StrAppendFormat(&text, "%s %s %.1f\n", in_flight, Spread(result), fork);
  }
  return text;
}

absl::Status Write(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path);
  file << text;
  file.close();
  return file ? absl::OkStatus() : ErrnoStatus(errno != 0 ? errno : EIO, "write " + path);
}

}  // namespace

const char kPlottedRows[] =
    "^(fork_ready|launch_ready|pooled_ready|fork_exit|launch_exit|"
    "fork_exit_rate|launch_exit_rate_c[0-9]+)$";

absl::Status PreparePlotFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "mkdir " + folder);
  }
  for (const char* file : {kLatency, kGrowth, kThroughput}) {
    const std::string path = absl::StrCat(folder, "/", file);
    const forkserver::UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    if (!fd.is_open()) return ErrnoStatus(errno, "open " + path);
  }
  return absl::OkStatus();
}

absl::Status WritePlotData(const Run& run, const std::vector<GrowthPoint>& growth,
                           const std::string& folder) {
  for (const auto& [file, text] :
       {std::pair(kLatency, LatencyText(run)), std::pair(kGrowth, GrowthText(growth)),
        std::pair(kThroughput, ThroughputText(run))}) {
    if (absl::Status written = Write(absl::StrCat(folder, "/", file), text); !written.ok()) {
      return written;
    }
  }
  return absl::OkStatus();
}

}  // namespace bench
