// A folder of reports with a bound on their number and size: the oldest go first.
//
//     ReportFolder folder({.path = "/var/lib/host/reports"});
//     absl::StatusOr<std::string> written = folder.Write(report);    // the path of the text
//
// Each report is two files, NAME.txt and NAME.json, where NAME begins with its time, so that they
// sort. Both are complete or not there: written beside their place and renamed. Only files that are
// named as reports are counted and removed; one that cannot be removed is not counted, and costs no
// newer report. The folder is made if it is missing, its parents are not; files and folder are the
// user's alone (0600, 0700), since a report has memory in it.
//
// Errors name the call and the file: "write /r/NAME.json.new: ENOSPC".
// Threads: one at a time. Several hosts may share one folder.
#ifndef FORKSERVER_REPORT_REPORT_FOLDER_H_
#define FORKSERVER_REPORT_REPORT_FOLDER_H_

#include <stddef.h>
#include <stdint.h>

#include <string>

#include "absl/status/statusor.h"
#include "forkserver/report/crash_report.h"

namespace forkserver {

struct ReportFolderOptions {
  std::string path = {};
  size_t most_reports = 100;
  uint64_t most_bytes = uint64_t{16} << 20;  // of all files together
};

class ReportFolder {
 public:
  explicit ReportFolder(ReportFolderOptions options) : options_(std::move(options)) {}

  // Makes it and tries whether a report can be written: for a program that wants to know before
  // there is one. Write does not need it.
  absl::Status Prepare() const;

  // Names the report (CrashReport::id), and removes what is too much then, also where it could not
  // be written.
  absl::StatusOr<std::string> Write(CrashReport& report);

 private:
  absl::Status MakeFolder() const;
  // Whether there was any to remove.
  bool Prune() const;

  const ReportFolderOptions options_;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_REPORT_FOLDER_H_
