#include "examples/browser_host/load/loader.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace browser_host {

using forkserver::UniqueFd;
using forkserver::Url;

bool IsOfTheNetwork(const Url& url) {
  // With the dot that may end it.
  return url.IsHttpFamily() && !absl::EndsWith(absl::StripSuffix(url.host(), "."), ".test");
}

LoadId Loader::Load(const Url& url, FetchFor what, const Callback& callback) const {
  if (IsOfTheNetwork(url) && !served_.Serves(url)) return fetch_(url, what, callback);
  if (!url.IsHttpFamily()) {
    callback(absl::InvalidArgumentError(absl::StrCat("nothing loads ", url.scheme(), ":")));
    return 0;
  }
  absl::StatusOr<UniqueFd> file = served_.Open(url, what);
  if (file.ok()) {
    callback(Loaded{.url = url, .body = *std::move(file)});
  } else {
    callback(file.status());
  }
  return 0;
}

}  // namespace browser_host
