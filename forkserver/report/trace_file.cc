#include "forkserver/report/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/write_all.h"

namespace forkserver {

absl::Status TraceFile::Open(const std::string& path) {
  if (state_ != State::kKeeping) {
    return absl::FailedPreconditionError(absl::StrFormat("open %s: the trace has a file", path));
  }
  // O_NONBLOCK: the open of a pipe would wait for a reader.
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666));
  if (!fd.is_open()) return ErrnoStatus(errno, "open " + path);
  struct stat status = {};
  if (fstat(fd.get(), &status) != 0) return ErrnoStatus(errno, "fstat " + path);
  if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrFormat("open %s: it is no file", path));
  }
  // Or two hosts would write over each other's events.
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return ErrnoStatus(errno, "flock " + path);
  if (S_ISREG(status.st_mode) && ftruncate(fd.get(), 0) != 0) {
    return ErrnoStatus(errno, "ftruncate " + path);
  }
  path_ = path;
  fd_ = std::move(fd);
  state_ = State::kWriting;
  const std::string kept = std::exchange(kept_, {});
  if (!kept.empty()) Write(kept, kept_events_);
  return absl::OkStatus();
}

void TraceFile::Append(std::string_view events, size_t count) {
  const std::string text = (std::exchange(is_empty_, false) ? "[\n" : ",\n") + std::string(events);
  switch (state_) {
    case State::kKeeping:
      if (lost_ > 0 || kept_.size() + text.size() > kMostKept) {
        lost_ += count;
        return;
      }
      kept_ += text;
      kept_events_ += count;
      return;
    case State::kWriting:
      return Write(text, count);
    case State::kClosed:
      return;
  }
}

void TraceFile::Write(std::string_view text, size_t events) {
  if (failure_.ok()) {
    const int error = WriteAll(fd_.get(), text);
    if (error == 0) return;
    failure_ = ErrnoStatus(error, "write " + path_);
  }
  lost_ += events;
}

absl::Status TraceFile::Close() {
  if (state_ == State::kWriting) {
    Write(is_empty_ ? "[\n]\n" : "\n]\n", 0);
    fd_.reset();
    if (lost_ > 0) {
      failure_ = absl::DataLossError(
          absl::StrFormat("%s: %d events of the trace are lost",
                          failure_.ok() ? path_ : std::string(failure_.message()), lost_));
    }
  }
  state_ = State::kClosed;
  kept_ = {};
  return failure_;
}

}  // namespace forkserver
