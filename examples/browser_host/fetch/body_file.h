// A body as it comes: into a memfd, up to a bound, and then sealed.
//
// Ownership: its descriptor, until Seal hands it over. Threads: one at a time.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_BODY_FILE_H_
#define EXAMPLES_BROWSER_HOST_FETCH_BODY_FILE_H_

#include <stddef.h>

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

class BodyFile {
 public:
  explicit BodyFile(size_t max_bytes) : max_bytes_(max_bytes) {}

  // ResourceExhausted: "more than 16777216 bytes". Else as memfd_create(2) and write(2) fail.
  absl::Status Append(std::string_view bytes);
  // Counts what is not kept.
  absl::Status Skip(size_t bytes);
  size_t size() const { return size_; }

  // Cannot change any more (transceiver/sealed_memfd.h); it may be empty. Then this is as new.
  absl::StatusOr<forkserver::UniqueFd> Seal();
  void Clear();

 private:
  absl::Status Open();

  const size_t max_bytes_;
  forkserver::UniqueFd fd_;
  size_t size_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_BODY_FILE_H_
