#include "examples/browser_host/load/loader.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace browser_host {

using forkserver::UniqueFd;
using forkserver::Url;

void Loader::Load(const Url& url, FetchFor what, const Callback& callback) const {
  if (!url.IsHttpFamily()) {
    return callback(absl::InvalidArgumentError(absl::StrCat("nothing loads ", url.scheme(), ":")));
  }
  if (served_.Serves(url)) {
    absl::StatusOr<UniqueFd> file = served_.Open(url, what);
    if (!file.ok()) return callback(file.status());
    return callback(Loaded{.url = url, .body = *std::move(file)});
  }
  if (!fetch_) return callback(absl::UnavailableError("there is no network"));
  fetch_(url, what, callback);
}

}  // namespace browser_host
