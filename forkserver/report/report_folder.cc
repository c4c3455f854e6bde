#include "forkserver/report/report_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string_view>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"
#include "transceiver/write_all.h"

namespace forkserver {
namespace {

// A time in front, so that names sort: "20261123T084012.123456Z-".
constexpr char kTimeFormat[] = "%Y%m%dT%H%M%E6SZ";
constexpr size_t kTimeBytes = 23;

absl::Status WriteFile(const std::string& path, std::string_view text) {
  UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return ErrnoStatus(errno, "open " + path);
  const int error = WriteAll(file.get(), text);
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "write " + path);
}

absl::Status WriteWhole(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  absl::Status written = WriteFile(beside, text);
  if (written.ok() && rename(beside.c_str(), path.c_str()) != 0) {
    written = ErrnoStatus(errno, absl::StrCat("rename ", beside));
  }
  if (!written.ok()) unlink(beside.c_str());
  return written;
}

// Both or none.
absl::Status WriteBoth(const std::string& base, std::string_view json, std::string_view text) {
  absl::Status written = WriteWhole(base + ".json", json);
  if (!written.ok()) return written;
  written = WriteWhole(base + ".txt", text);
  if (!written.ok()) unlink((base + ".json").c_str());
  return written;
}

bool IsReport(std::string_view name) {
  if (name.size() <= kTimeBytes + 1 || name[8] != 'T' || name[kTimeBytes - 1] != 'Z' ||
      name[kTimeBytes] != '-') {
    return false;
  }
  return name.ends_with(".txt") || name.ends_with(".json") || name.ends_with(".new");
}

struct KeptReport {
  std::vector<std::string> files = {};
  uint64_t bytes = 0;
};

}  // namespace

absl::Status ReportFolder::MakeFolder() const {
  if (mkdir(options_.path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return ErrnoStatus(errno, "mkdir " + options_.path);
}

absl::Status ReportFolder::Prepare() const {
  if (absl::Status made = MakeFolder(); !made.ok()) return made;
  // Named as a report, so that one that is left by a host that was killed here goes as reports do.
  const std::string path =
      absl::StrFormat("%s/%s-%d-try.new", options_.path,
                      absl::FormatTime(kTimeFormat, absl::Now(), absl::UTCTimeZone()), getpid());
  const absl::Status written = WriteFile(path, "\n");
  unlink(path.c_str());
  return written;
}

absl::StatusOr<std::string> ReportFolder::Write(CrashReport& report) {
  if (absl::Status made = MakeFolder(); !made.ok()) return made;
  std::string kind = absl::StrReplaceAll(std::string(DeathKindName(report.kind)), {{" ", "-"}});
  report.id =
      absl::StrFormat("%s-%d-%s", absl::FormatTime(kTimeFormat, report.at, absl::UTCTimeZone()),
                      report.end.who.pid, kind);
  const std::string base = absl::StrCat(options_.path, "/", report.id);
  const std::string json = ToJson(report);
  const std::string text = ToText(report);
  absl::Status written = WriteBoth(base, json, text);
  // A disk may have been full of older ones.
  if (Prune() && !written.ok()) {
    written = WriteBoth(base, json, text);
    Prune();
  }
  if (!written.ok()) return written;
  return base + ".txt";
}

bool ReportFolder::Prune() const {
  DIR* const folder = opendir(options_.path.c_str());
  if (folder == nullptr) return false;
  const auto close_folder = absl::MakeCleanup([folder] { closedir(folder); });
  // By name without its ending, so the oldest first.
  std::map<std::string, KeptReport> reports;
  uint64_t bytes = 0;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (!IsReport(name)) continue;
    struct stat status;
    if (fstatat(dirfd(folder), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    // What else may have such a name is nobody's report.
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) continue;
    KeptReport& report = reports[name.substr(0, name.find('.', kTimeBytes))];
    report.files.push_back(name);
    report.bytes += static_cast<uint64_t>(status.st_size);
    bytes += static_cast<uint64_t>(status.st_size);
  }
  bool has_removed = false;
  while (!reports.empty() &&
         (reports.size() > options_.most_reports || bytes > options_.most_bytes)) {
    const auto oldest = reports.begin();
    for (const std::string& name : oldest->second.files) {
      // Another host may have been faster. One that cannot be removed stays, and the next goes.
      if (unlinkat(dirfd(folder), name.c_str(), 0) == 0) has_removed = true;
    }
    bytes -= oldest->second.bytes;
    reports.erase(oldest);
  }
  return has_removed;
}

}  // namespace forkserver
