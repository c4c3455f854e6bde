#include "examples/browser_host/fetch/fetch_words.h"

#include <stddef.h>
#include <stdint.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

constexpr size_t kMaxNamedBytes = 100;

}  // namespace

std::string Named(std::string_view text) {
  if (text.size() <= kMaxNamedBytes) return forkserver::OneLine(text);
  return absl::StrCat(forkserver::OneLine(text.substr(0, kMaxNamedBytes)), "...");
}

std::string Seconds(absl::Duration time) {
  const int64_t millis = absl::ToInt64Milliseconds(time);
  return millis % 1000 == 0 ? absl::StrFormat("%d s", millis / 1000)
                            : absl::StrFormat("%d ms", millis);
}

}  // namespace browser_host
