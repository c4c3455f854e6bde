// What a page has asked its parent for, and what of it could not be had.
//
//     ResourceTally tally;
//     absl::StatusOr<size_t> number = tally.Ask("https://a.test/x.png");   // too many: an error
//     absl::Status may = tally.Have(*number, bytes);                       // too much: an error
//     tally.Miss(*number, why);
//     MissingResources missing = tally.Missing();
//
// The parent's: it knows what it has given out, and not what came of that. An image that cannot be
// decoded, or what a page has in itself or opens itself (data:, file:), is not counted.
//
// Threads: one.
#ifndef EXAMPLES_BROWSER_HOST_RESOURCE_TALLY_H_
#define EXAMPLES_BROWSER_HOST_RESOURCE_TALLY_H_

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace browser_host {

struct MissingResources {
  size_t asked = 0;
  size_t missing = 0;  // of those
  // The first, with why: "https://a.test/x.png: status 404". Two times kMostNamedBytes at most.
  std::string first = {};

  // "2 of 5 resources, first https://a.test/x.png: status 404"; empty: none is.
  std::string ToString() const;
};

class ResourceTally {
 public:
  // Of a URL, and of a reason; what is longer is cut.
  static constexpr size_t kMostNamedBytes = 200;

  // Its number. ResourceExhausted: the page has asked for kMaxResourcesOfAPage, and this one is
  // missing.
  absl::StatusOr<size_t> Ask(std::string_view url);
  // It came. ResourceExhausted: with it the page would have more than kMaxResourceBytesOfAPage, and
  // it is missing.
  absl::Status Have(size_t number, uint64_t bytes);
  // It did not, or may not be had.
  void Miss(size_t number, const absl::Status& why);

  // As of now: what is still to come is missing.
  MissingResources Missing() const;

 private:
  size_t asked_ = 0;
  uint64_t bytes_ = 0;
  std::map<size_t, std::string> awaited_;  // their URLs
  size_t missed_ = 0;
  std::string first_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_RESOURCE_TALLY_H_
