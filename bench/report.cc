#include "bench/report.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace bench {
namespace {

std::string Kernel() {
  utsname name;
  return uname(&name) == 0 ? std::string(name.release) : "unknown";
}

}  // namespace

void PrintTable(const Run& run) {
  absl::PrintF("Linux %s, %d CPUs\n\n", Kernel(), sysconf(_SC_NPROCESSORS_ONLN));
  absl::PrintF("%-26s %7s %5s %9s %9s %9s  %s\n", "row", "n", "unit", "p50", "p90", "p99",
               "p50 against its baseline");
  for (const Result& result : run.results) {
    absl::PrintF("%-26s %7d %5s %9.1f %9.1f %9.1f  ", result.name, result.n, result.unit,
                 result.p50, result.p90, result.p99);
    if (result.ratio_p50) {
      // A hundredth of the baseline is one of the figures to reach, so it has to be seen.
      absl::PrintF("%.*f x %s\n", *result.ratio_p50 < 0.1 ? 4 : 2, *result.ratio_p50,
                   result.baseline);
    } else {
      absl::PrintF("-\n");
    }
  }
  absl::PrintF("\n");
  for (const Result& result : run.results) absl::PrintF("%-26s %s\n", result.name, result.what);
  for (const LeftOut& row : run.left_out) absl::PrintF("%-26s left out: %s\n", row.name, row.why);
}

absl::Status WriteJson(const Run& run, const std::string& path) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Result& result : run.results) {
    nlohmann::ordered_json row = {{"name", result.name}, {"n", result.n},     {"unit", result.unit},
                                  {"p50", result.p50},   {"p90", result.p90}, {"p99", result.p99}};
    if (result.ratio_p50) {
      row["baseline"] = result.baseline;
      row["ratio_p50"] = *result.ratio_p50;
    }
    rows.push_back(std::move(row));
  }
  nlohmann::ordered_json left_out = nlohmann::ordered_json::array();
  for (const LeftOut& row : run.left_out) {
    left_out.push_back({{"name", row.name}, {"why", row.why}});
  }
  const nlohmann::ordered_json document = {{"kernel", Kernel()},
                                           {"cpus", sysconf(_SC_NPROCESSORS_ONLN)},
                                           {"rows", std::move(rows)},
                                           {"left_out", std::move(left_out)}};
  errno = 0;
  std::ofstream file(path);
  file << document.dump(2) << '\n';
  file.close();
  if (!file) return forkserver::ErrnoStatus(errno != 0 ? errno : EIO, "write " + path);
  return absl::OkStatus();
}

}  // namespace bench
