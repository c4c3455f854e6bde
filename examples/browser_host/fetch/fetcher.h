// Fetches http: and https: URLs with libcurl, many at once, in one thread that never blocks.
//
//     auto fetcher = Fetcher::Create(loop, {.trust = LoadTrust(files)});
//     (*fetcher)->Fetch(1, {.url = "https://a.test/"}, [](absl::StatusOr<FetchAnswer> answer) { ...
//     });
//
// What is done and what is not:
//
//   - Names are looked up by the C library, each in a thread of libcurl's that ends by itself;
//     "localhost" and what ends in it is always the loopback. No proxy, whatever the environment
//     says, no .netrc, no cookies, no cache, no user and password: those of a URL are left out.
//   - HTTP/1.1, or HTTP/2 where a server of https offers it. Connections are kept for the next
//     fetch from the same host.
//   - Redirects of 301, 302, 303, 307 and 308, kMostRedirects of them, to http and https only. From
//     https to http a document may go, as in browsers, and nothing else may: its picture would be
//     whatever the network makes of it. A fragment is handed on where the next URL has none.
//   - An error status with a body is a document. Of a picture or a style sheet it is an error.
//   - A page must not read another site's documents as if they were pictures (what browsers call
//     opaque response blocking): a body that does not begin as a picture does is no picture,
//     whatever its header says, and a style sheet is what its Content-Type says is text/css. Who
//     asks does not matter; that a page's own site has sent it is no excuse.
//   - What is packed (gzip, deflate, brotli, zstd) is unpacked, and the bound on a body holds for
//     what comes out of it.
//   - Certificates are verified against the trust, for the host's name or address. Whether they
//     have been revoked is not asked.
//
// An error says in one line what failed, without the URL, which its caller knows:
//
//     NotFound            name not found; status 404
//     Aborted             connection refused; closed in the middle of its body
//     DeadlineExceeded    no connection within 10 s; no answer within 10 s; not all of it within 60
//     s PermissionDenied    certificate: self-signed certificate; no picture; redirected to
//     file:... ResourceExhausted   more than 16777216 bytes; more than 20 redirects; too many
//     fetches DataLoss            no HTTP answer; packed in a way that is broken InvalidArgument no
//     URL of http or https Cancelled           by Cancel
//
// What failed behind a redirect names where it led: "http://b.test/: connection refused".
//
// The libraries are loaded before it is made (network_libraries.h).
//
// Ownership: borrows the loop; owns what is under way, which its destructor drops without calling
// back. It is not destroyed in a callback. Threads: the loop's, but for the names'. After a fork:
// not usable. Signals: SIGPIPE is to be ignored.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_FETCHER_H_
#define EXAMPLES_BROWSER_HOST_FETCH_FETCHER_H_

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/fetch/network_libraries.h"
#include "examples/browser_host/fetch/transfer.h"
#include "transceiver/event_loop.h"

namespace browser_host {

class Fetcher {
 public:
  using Callback = std::function<void(absl::StatusOr<FetchAnswer> answer)>;

  // Fails for want of memory or descriptors.
  static absl::StatusOr<std::unique_ptr<Fetcher>> Create(forkserver::EventLoop& loop,
                                                         TransferSetup setup);
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  ~Fetcher();

  // Calls back once, in the loop's time or at once. `id` is the caller's, and that of no fetch
  // that is under way. However many there are, kMostFetches are under way and the others wait.
  void Fetch(uint64_t id, const FetchOrder& order, Callback callback);
  // Calls back with Cancelled. One that is not there is ignored.
  void Cancel(uint64_t id);

  // Without an answer yet, those that wait among them.
  size_t fetches() const { return jobs_.size(); }

 private:
  struct FreeMulti {
    void operator()(CURLM* multi) const { Curl().multi_cleanup(multi); }
  };

  Fetcher(forkserver::EventLoop& loop, TransferSetup setup);

  // libcurl's, which say what it waits for.
  static int OnSocket(CURL* easy, curl_socket_t fd, int what, void* fetcher, void* socket);
  static int OnTimer(CURLM* multi, long millis, void* fetcher);
  void WatchSocket(curl_socket_t fd, int what);
  void Drive(curl_socket_t fd, int events);

  // Those that there are places for.
  void StartWaiting();
  void BeginHop(Transfer& transfer);
  void OnHopEnd(Transfer& transfer, CURLcode code);
  // The last that its caller does with the transfer.
  void Finish(uint64_t id, absl::StatusOr<FetchAnswer> answer);

  struct Job {
    std::unique_ptr<Transfer> transfer;
    Callback callback = {};
    forkserver::EventLoop::TimerId whole = 0;
    bool has_place = false;
  };

  forkserver::EventLoop& loop_;
  const TransferSetup setup_;
  // Its destruction calls back into what is above it.
  std::map<curl_socket_t, forkserver::EventLoop::WatchId> watches_;
  forkserver::EventLoop::TimerId timer_ = 0;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::map<uint64_t, Job> jobs_;
  // Those that have no place yet, as they came.
  std::list<uint64_t> waiting_;
  size_t places_ = 0;  // taken
  std::map<std::string, size_t> places_by_host_;
  bool is_starting_ = false;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_FETCHER_H_
