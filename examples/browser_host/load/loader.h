// Where pages come from, and what is in them: folders that are served, and the network.
//
//     Loader loader(served, {.fetch = [&](const Url& url, FetchFor what, Loader::Callback done)
//     {...}}); loader.Load(*Url::Parse("https://a.test/"), FetchFor::kDocument,
//                 [](absl::StatusOr<Loaded> loaded) { ... });
//
// The parent's. It knows where bytes are, and never looks at one: a folder's file is handed on
// open, what the network has sent as sealed memory that the socket process has made.
//
// Threads: the loop's.
#ifndef EXAMPLES_BROWSER_HOST_LOAD_LOADER_H_
#define EXAMPLES_BROWSER_HOST_LOAD_LOADER_H_

#include <stdint.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "examples/browser_host/fetch/fetch_bounds.h"
#include "examples/browser_host/load/served_sites.h"
#include "forkserver/model/url.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct Loaded {
  forkserver::Url url;       // after redirects
  uint32_t http_status = 0;  // 0: it is of a folder that is served
  forkserver::UniqueFd body = {};
  std::string content_type = {};     // "text/html"; or empty
  std::string charset = {};          // of the Content-Type
  std::string opener_policy = {};    // Cross-Origin-Opener-Policy, as it came
  std::string embedder_policy = {};  // Cross-Origin-Embedder-Policy
};

// Whether a page of that URL that is not served here is to be looked for on the network: http and
// https, but for hosts below .test, which nobody has (RFC 6761).
bool IsOfTheNetwork(const forkserver::Url& url);

// Never used twice; 0: it has called back.
using LoadId = uint64_t;

class Loader {
 public:
  using Callback = std::function<void(absl::StatusOr<Loaded> loaded)>;
  // Of http and https URLs at other hosts.
  using Fetch = std::function<LoadId(const forkserver::Url& url, FetchFor what, Callback callback)>;

  Loader(ServedSites served, Fetch fetch, std::function<void(LoadId id)> cancel)
      : served_(std::move(served)), fetch_(std::move(fetch)), cancel_(std::move(cancel)) {}

  // Calls back once, at once or later; or never, where what fetches is destroyed first. Errors are
  // one line that does not name the URL.
  LoadId Load(const forkserver::Url& url, FetchFor what, const Callback& callback) const;
  // Nobody wants it any more: it calls back soon, with whatever it has come to. One that is over is
  // ignored.
  void Cancel(LoadId id) const { cancel_(id); }

 private:
  const ServedSites served_;
  const Fetch fetch_;
  const std::function<void(LoadId id)> cancel_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_LOAD_LOADER_H_
