// The parent's side of the socket process: has it fetch http: and https: URLs.
//
//     FetchService network(*parent, ProcessType::kSocket, MakeSocketHost,
//                          SocketServiceOptions(setup));
//     Fetch(network, {.url = "https://a.test/", .what = FetchFor::kDocument},
//           [&](absl::StatusOr<Fetched> page) {
//             if (page.ok()) Load(page->final_url, std::move(page->body));
//           });
//
// What is fetched how, and what is not, is in fetcher.h; so are the errors, which here begin with
// the URL: "https://a.test/: connection refused". In a page's address bar or a report they may
// stand as they are: they are one line.
//
// The parent reads no byte of a body. What the socket process says is held against its form, and a
// process that breaks it is killed: bounds, sealed memory of the size that it says, a final URL of
// http or https. Whether a server really said so, nobody can tell.
//
// Some are given to the socket process, some wait here, and what is too many is ResourceExhausted
// (fetch_bounds.h). All whose socket process ends get Unavailable; the next one launches
// another, up to the third end (ServiceProcess). One that has said nothing when its own deadline is
// well over is stuck, and is killed.
//
// Ownership and threads: those of ServiceProcess.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_FETCH_SERVICE_H_
#define EXAMPLES_BROWSER_HOST_FETCH_FETCH_SERVICE_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/fetch/fetch_bounds.h"
#include "examples/browser_host/fetch/fetch_setup.h"
#include "examples/browser_host/fetch/socket_messages.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host.h"
#include "forkserver/model/service_process.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct FetchRequest {
  // http: or https:. Its user and password are left out.
  std::string url;
  FetchFor what = FetchFor::kDocument;
  FetchPatience patience = {};
};

struct Fetched {
  std::string final_url = {};        // after redirects, canonical (forkserver::Url)
  uint32_t http_status = 0;          // 100 to 999
  std::string content_type = {};     // "text/html": lower case, without parameters; or empty
  std::string charset = {};          // the Content-Type's, lower case; or empty
  std::string opener_policy = {};    // Cross-Origin-Opener-Policy as it came; several: ", " between
  std::string embedder_policy = {};  // Cross-Origin-Embedder-Policy, as well
  forkserver::UniqueFd body = {};    // a memfd that cannot change any more
  size_t body_size = 0;              // may be 0; MaxBodyBytes at most
};

// Never used twice; 0: none.
using FetchId = uint64_t;

class SocketHost : public forkserver::ProcessHost<SocketHost, SocketProtocol> {
 public:
  using Callback = std::function<void(absl::StatusOr<Fetched> fetched)>;

  explicit SocketHost(forkserver::ParentProcess& parent)
      : ProcessHost(parent, forkserver::ProcessType::kSocket) {}
  ~SocketHost() override;

  FetchId Fetch(const FetchRequest& request, Callback callback);
  void Cancel(FetchId id);

 private:
  struct Job {
    FetchRequest request;  // its URL is canonical
    int64_t deadline = 0;
    Callback callback = {};
    forkserver::EventLoop::TimerId timer = 0;
    bool is_sent = false;
  };

  void OnEnd(const forkserver::ProcessEnd& end) override;
  void SendWaiting();
  absl::Status SendJob(FetchId id, Job& job);
  void OnAnswer(FetchId id, absl::StatusOr<ResourceFetched> answer);
  void OnNoPlace(FetchId id);
  void OnLate(FetchId id);
  // The last that its caller does: the callback may destroy this.
  void Finish(FetchId id, absl::StatusOr<Fetched> fetched);

  std::map<FetchId, Job> jobs_;
  // Of those, in their order: what has not been sent.
  std::list<FetchId> waiting_;
  size_t sent_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

using FetchService = forkserver::ServiceProcess<SocketHost>;

inline std::unique_ptr<SocketHost> MakeSocketHost(forkserver::ParentProcess& parent) {
  return std::make_unique<SocketHost>(parent);
}

// With the setup that its template was given (SetUpSocketTemplate).
forkserver::ServiceOptions SocketServiceOptions(const FetchSetup& setup = {});

// Calls back once, in the loop's time or at once; not where the service is destroyed first. 0: it
// has called back.
FetchId Fetch(FetchService& service, const FetchRequest& request,
              std::function<void(absl::StatusOr<Fetched> fetched)> callback);

// Nobody wants that one any more: it ends soon, with Cancelled or with what it has come to, and
// leaves its place to others. One that is over, or 0, is ignored.
void CancelFetch(FetchService& service, FetchId id);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_FETCH_SERVICE_H_
