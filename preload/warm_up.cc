#include "preload/warm_up.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <cstdio>
#include <memory>

#include "transceiver/clock.h"

namespace forkserver {
namespace {

struct Weight {
  int64_t anonymous_kib = 0;
  int64_t page_table_kib = 0;
  int64_t descriptors = 0;
};

Weight WeighProcess() {
  Weight weight;
  if (const std::unique_ptr<FILE, int (*)(FILE*)> status(fopen("/proc/self/status", "re"), fclose);
      status != nullptr) {
    char line[256];
    while (fgets(line, sizeof(line), status.get()) != nullptr) {
      if (strncmp(line, "RssAnon:", 8) == 0) weight.anonymous_kib = atoll(line + 8);
      if (strncmp(line, "VmPTE:", 6) == 0) weight.page_table_kib = atoll(line + 6);
    }
  }
  if (const std::unique_ptr<DIR, int (*)(DIR*)> open_files(opendir("/proc/self/fd"), closedir);
      open_files != nullptr) {
    while (readdir(open_files.get()) != nullptr) ++weight.descriptors;
  }
  return weight;
}

// Never empty for a failure: an empty text means success.
std::string ErrorText(const absl::Status& status) {
  if (status.ok()) return "";
  return status.message().empty() ? absl::StatusCodeToString(status.code())
                                  : std::string(status.message());
}

}  // namespace

std::vector<WarmUpReport> RunWarmUps(std::span<const WarmUp> warm_ups) {
  std::vector<WarmUpReport> reports;
  reports.reserve(warm_ups.size());
  for (const WarmUp& warm_up : warm_ups) {
    const Weight before = WeighProcess();
    const int64_t start = NowNanos();
    const absl::Status status = warm_up.run();
    const int64_t nanos = NowNanos() - start;
    const Weight after = WeighProcess();
    reports.push_back({.name = warm_up.name,
                       .started_at = start,
                       .nanos = nanos,
                       .anonymous_kib = after.anonymous_kib - before.anonymous_kib,
                       .page_table_kib = after.page_table_kib - before.page_table_kib,
                       .descriptors = after.descriptors - before.descriptors,
                       .error = ErrorText(status)});
  }
  return reports;
}

}  // namespace forkserver
