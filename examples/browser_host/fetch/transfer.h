// One fetch: a libcurl handle, the hops that redirects make of it, and all that is held against its
// bounds. fetcher.h says what is done with a URL and what is not.
//
// Whoever owns it puts its handle into a multi handle when a hop begins, and takes it out when
// libcurl says that it has ended. Ownership: its handle and its body; borrows loop and setup.
// Threads: the loop's.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_TRANSFER_H_
#define EXAMPLES_BROWSER_HOST_FETCH_TRANSFER_H_

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/fetch/body_file.h"
#include "examples/browser_host/fetch/fetch_bounds.h"
#include "examples/browser_host/fetch/network_libraries.h"
#include "examples/browser_host/fetch/trust.h"
#include "forkserver/model/url.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct FetchOrder {
  std::string url;
  FetchFor what = FetchFor::kDocument;
  FetchPatience patience = {};
  absl::Duration waited = {};  // of patience.whole, elsewhere
};

// FetchService's Fetched (fetch_service.h) says what is in them.
struct FetchAnswer {
  std::string final_url = {};
  uint32_t http_status = 0;
  std::string content_type = {};
  std::string charset = {};
  std::string opener_policy = {};
  std::string embedder_policy = {};
  forkserver::UniqueFd body = {};
  size_t body_size = 0;
};

struct FreeCurlList {
  void operator()(curl_slist* list) const { Curl().slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, FreeCurlList>;
CurlList MakeCurlList(const std::vector<std::string>& entries);

// The same for all of a program.
struct TransferSetup {
  // Or why there is none: what https: fetches fail with.
  absl::StatusOr<TrustStore> trust = absl::FailedPreconditionError("no CA file");
  // "HOST:PORT:OTHER-HOST:OTHER-PORT", each of the four may be empty: where connections go that
  // are for HOST and PORT (CURLOPT_CONNECT_TO).
  std::vector<std::string> connect_to = {};
};

class Transfer {
 public:
  // `give_up` is called in the loop's time when the server has been silent for too long; it may
  // destroy this. `id` is what whoever has the handle finds this by.
  Transfer(forkserver::EventLoop& loop, const TransferSetup& setup, uint64_t id, FetchOrder order,
           std::function<void(absl::Status why)> give_up);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer();

  // Once, before all else: whether the URL is one to fetch.
  absl::Status CheckUrl();
  uint64_t id() const { return id_; }
  // "https://a.test:8443": of the URL that was asked for.
  const std::string& host() const { return host_; }

  // Makes the handle ready for the next URL.
  absl::Status BeginHop();
  CURL* easy() const { return easy_.get(); }
  // What a hop came to; nothing: there is another one.
  std::optional<absl::StatusOr<FetchAnswer>> EndHop(CURLcode code);
  // With where a redirect led, if one did.
  absl::Status AtThisHop(const absl::Status& why) const;

  static uint64_t IdOf(CURL* easy);

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const { Curl().easy_cleanup(easy); }
  };

  // libcurl's: what they return that is not what was given ends the hop, for why_.
  static size_t OnHeader(char* line, size_t size, size_t count, void* transfer);
  static size_t OnBody(char* bytes, size_t size, size_t count, void* transfer);
  static int OnConnected(void* transfer, char*, char*, int, int);
  static CURLcode OnTlsContext(CURL* easy, void* context, void* transfer);

  absl::Status CountHeader(size_t size);
  absl::Status TakeBody(std::string_view bytes);
  // Before the first byte of a body, or at its end.
  absl::Status CheckHead();
  absl::Status CheckSignature(std::string_view bytes);
  absl::Status FollowRedirect();
  absl::StatusOr<FetchAnswer> TakeAnswer();

  long Status() const;
  bool IsRedirect() const;
  // Of all headers of that name, in their order.
  std::string Header(const char* name) const;
  uint64_t ReceivedBytes() const;
  void AwaitBytes();
  void StopAwaiting();

  forkserver::EventLoop& loop_;
  const TransferSetup& setup_;
  const uint64_t id_;
  const FetchOrder order_;
  const size_t max_body_;
  const std::function<void(absl::Status why)> give_up_;
  std::optional<forkserver::Url> url_;
  std::string host_;
  size_t redirects_ = 0;
  CurlList headers_;
  CurlList connect_to_;
  const std::unique_ptr<CURL, FreeEasy> easy_;
  char error_text_[CURL_ERROR_SIZE] = {};

  // Of this hop:
  absl::Status why_;
  bool has_checked_head_ = false;
  size_t header_lines_ = 0;
  size_t header_bytes_ = 0;
  std::string signature_;
  BodyFile body_;
  forkserver::EventLoop::TimerId silence_ = 0;
  uint64_t received_before_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_TRANSFER_H_
