#include "examples/browser_host/fetch/transfer.h"

#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/fetch/content_type.h"
#include "examples/browser_host/fetch/fetch_words.h"
#include "examples/browser_host/fetch/network_libraries.h"
#include "examples/browser_host/fetch/socket_messages.h"
#include "examples/browser_host/fetch/transfer_error.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

using forkserver::Url;

const char* AcceptHeader(FetchFor what) {
  switch (what) {
    case FetchFor::kDocument:
      return "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    case FetchFor::kImage:
      return "Accept: image/png,image/jpeg,image/webp,*/*;q=0.5";
    case FetchFor::kStyleSheet:
      return "Accept: text/css,*/*;q=0.1";
  }
  return "Accept: */*";
}

int OpenSocket(void*, curlsocktype, curl_sockaddr* address) {
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// What is fetched, or why it is not.
absl::StatusOr<Url> ParseHttpUrl(std::string_view text) {
  absl::StatusOr<Url> url = Url::Parse(text);
  if (!url.ok() || !url->IsHttpFamily()) {
    return absl::InvalidArgumentError("no URL of http or https");
  }
  if (url->ToString().size() > kMaxFetchUrlBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a URL of more than %d bytes", kMaxFetchUrlBytes));
  }
  return url;
}

}  // namespace

CurlList MakeCurlList(const std::vector<std::string>& entries) {
  CurlList list;
  for (const std::string& entry : entries) {
    curl_slist* const longer = Curl().slist_append(list.get(), entry.c_str());
    if (longer == nullptr) return list;
    (void)list.release();
    list.reset(longer);
  }
  return list;
}

Transfer::Transfer(forkserver::EventLoop& loop, const TransferSetup& setup, uint64_t id,
                   FetchOrder order, std::function<void(absl::Status why)> give_up)
    : loop_(loop),
      setup_(setup),
      id_(id),
      order_(std::move(order)),
      max_body_(MaxBodyBytes(order_.what)),
      give_up_(std::move(give_up)),
      headers_(MakeCurlList({AcceptHeader(order_.what)})),
      connect_to_(MakeCurlList(setup.connect_to)),
      easy_(Curl().easy_init()),
      body_(max_body_) {}

Transfer::~Transfer() { StopAwaiting(); }

absl::Status Transfer::CheckUrl() {
  absl::StatusOr<Url> url = ParseHttpUrl(order_.url);
  if (!url.ok()) return url.status();
  url_ = *std::move(url);
  host_ = absl::StrCat(url_->scheme(), "://", url_->host(), ":", url_->port().value_or(0));
  return absl::OkStatus();
}

uint64_t Transfer::IdOf(CURL* easy) {
  char* transfer = nullptr;
  Curl().easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  return reinterpret_cast<Transfer*>(transfer)->id_;
}

absl::Status Transfer::BeginHop() {
  CURL* const easy = easy_.get();
  if (easy == nullptr) return absl::ResourceExhaustedError("curl_easy_init");
  if (url_->HasScheme("https") && !setup_.trust.ok()) {
    return absl::PermissionDeniedError(
        absl::StrCat("certificate: ", setup_.trust.status().message()));
  }
  why_ = absl::OkStatus();
  has_checked_head_ = false;
  header_lines_ = header_bytes_ = 0;
  signature_.clear();
  body_.Clear();
  error_text_[0] = 0;

  CURLcode code = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    const CURLcode one = Curl().easy_setopt(easy, option, value);
    if (code == CURLE_OK) code = one;
  };
  // libcurl copies it.
  set(CURLOPT_URL, url_->ToString().c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  // Each hop is this class's to allow.
  set(CURLOPT_FOLLOWLOCATION, 0L);
  // Not what the environment says.
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  set(CURLOPT_CONNECT_TO, connect_to_.get());
  set(CURLOPT_OPENSOCKETFUNCTION, OpenSocket);

  set(CURLOPT_NOSIGNAL, 1L);
  // A look-up that nobody waits for any more ends by itself, and holds nobody up.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(absl::ToInt64Milliseconds(order_.patience.connect)));

  set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_USERAGENT, "browser-host/1");
  set(CURLOPT_HTTPHEADER, headers_.get());
  // All that this libcurl can unpack.
  set(CURLOPT_ACCEPT_ENCODING, "");
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(max_body_));
  set(CURLOPT_BUFFERSIZE, 65'536L);

  set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  // The trust is there already, and is not read again.
  set(CURLOPT_CAINFO, static_cast<char*>(nullptr));
  set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  set(CURLOPT_SSL_CTX_FUNCTION, OnTlsContext);
  set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));

  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, error_text_);
  set(CURLOPT_HEADERFUNCTION, OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, OnConnected);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  if (code != CURLE_OK) {
    return absl::InternalError(absl::StrCat("curl_easy_setopt: ", Curl().easy_strerror(code)));
  }
  return absl::OkStatus();
}

CURLcode Transfer::OnTlsContext(CURL*, void* context, void* transfer) {
  const Transfer& self = *static_cast<Transfer*>(transfer);
  OpenSsl().SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(context), self.setup_.trust->get());
  return CURLE_OK;
}

int Transfer::OnConnected(void* transfer, char*, char*, int, int) {
  static_cast<Transfer*>(transfer)->AwaitBytes();
  return CURL_PREREQFUNC_OK;
}

uint64_t Transfer::ReceivedBytes() const {
  curl_off_t body = 0;
  Curl().easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &body);
  return header_bytes_ + static_cast<uint64_t>(body);
}

void Transfer::AwaitBytes() {
  StopAwaiting();
  received_before_ = ReceivedBytes();
  silence_ = loop_.AddTimer(
      forkserver::DeadlineAfter(forkserver::NowNanos(),
                                absl::ToInt64Nanoseconds(order_.patience.silence)),
      [this] {
        silence_ = 0;
        if (ReceivedBytes() - received_before_ >= kFewestBytes) return AwaitBytes();
        const std::string time = Seconds(order_.patience.silence);
        // It may destroy this, itself included.
        const auto give_up = give_up_;
        give_up(AtThisHop(absl::DeadlineExceededError(
            header_bytes_ == 0
                ? absl::StrCat("no answer within ", time)
                : absl::StrFormat("fewer than %d bytes within %s", kFewestBytes, time))));
      });
}

void Transfer::StopAwaiting() {
  if (silence_ != 0) loop_.CancelTimer(std::exchange(silence_, 0));
}

size_t Transfer::OnHeader(char*, size_t size, size_t count, void* transfer) {
  Transfer& self = *static_cast<Transfer*>(transfer);
  self.why_.Update(self.CountHeader(size * count));
  return self.why_.ok() ? size * count : 0;
}

absl::Status Transfer::CountHeader(size_t size) {
  header_bytes_ += size;
  if (header_bytes_ > kMostHeaderBytes) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("more than %d bytes of headers", kMostHeaderBytes));
  }
  if (++header_lines_ > kMostHeaderLines) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("more than %d lines of headers", kMostHeaderLines));
  }
  return absl::OkStatus();
}

size_t Transfer::OnBody(char* bytes, size_t size, size_t count, void* transfer) {
  Transfer& self = *static_cast<Transfer*>(transfer);
  self.why_.Update(self.TakeBody({bytes, size * count}));
  // Another number than it was given, also where that is none.
  return self.why_.ok() ? size * count : CURL_WRITEFUNC_ERROR;
}

absl::Status Transfer::TakeBody(std::string_view bytes) {
  if (IsRedirect()) return body_.Skip(bytes.size());
  if (absl::Status good = CheckHead(); !good.ok()) return good;
  if (absl::Status good = CheckSignature(bytes); !good.ok()) return good;
  return body_.Append(bytes);
}

absl::Status Transfer::CheckHead() {
  if (std::exchange(has_checked_head_, true)) return absl::OkStatus();
  if (order_.what == FetchFor::kDocument) return absl::OkStatus();
  if (Status() < 200 || Status() >= 300) {
    return absl::NotFoundError(absl::StrFormat("status %d", Status()));
  }
  if (order_.what != FetchFor::kStyleSheet) return absl::OkStatus();
  const std::string type = ParseContentType(Header("Content-Type")).type;
  if (type == "text/css") return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("no style sheet: ", type.empty() ? "no content type" : Named(type)));
}

// Not a byte of it is kept before it is known to be a picture.
absl::Status Transfer::CheckSignature(std::string_view bytes) {
  if (order_.what != FetchFor::kImage || signature_.size() >= kSignatureBytes) {
    return absl::OkStatus();
  }
  signature_.append(bytes.substr(0, kSignatureBytes - signature_.size()));
  if (signature_.size() < kSignatureBytes || IsImageSignature(signature_)) return absl::OkStatus();
  return absl::PermissionDeniedError("no picture");
}

std::optional<absl::StatusOr<FetchAnswer>> Transfer::EndHop(CURLcode code) {
  StopAwaiting();
  // What a callback ended it for says more than that it did.
  if (!why_.ok()) return AtThisHop(why_);
  if (code != CURLE_OK) {
    return AtThisHop(TransferError(easy(), code, error_text_,
                                   {.connect = order_.patience.connect, .body_bytes = max_body_}));
  }
  if (!IsRedirect()) {
    absl::StatusOr<FetchAnswer> answer = TakeAnswer();
    if (!answer.ok()) return AtThisHop(answer.status());
    return answer;
  }
  if (absl::Status followed = FollowRedirect(); !followed.ok()) return AtThisHop(followed);
  return {};
}

absl::Status Transfer::AtThisHop(const absl::Status& why) const {
  // Whoever has ordered it names what was ordered.
  const std::string url = url_->ToString();
  if (url == order_.url) return why;
  return absl::Status(why.code(), absl::StrCat(Named(url), ": ", why.message()));
}

absl::Status Transfer::FollowRedirect() {
  if (redirects_ == kMostRedirects) {
    return absl::ResourceExhaustedError(absl::StrFormat("more than %d redirects", kMostRedirects));
  }
  char* to = nullptr;
  Curl().easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &to);
  const std::string text = to == nullptr ? "" : to;
  absl::StatusOr<Url> next = ParseHttpUrl(text);
  if (!next.ok()) {
    return absl::PermissionDeniedError(
        absl::StrCat("redirected to ", Named(text), ": ", next.status().message()));
  }
  if (url_->HasScheme("https") && next->HasScheme("http") && order_.what != FetchFor::kDocument) {
    return absl::PermissionDeniedError(
        absl::StrCat("redirected to ", Named(text), ": from https to http"));
  }
  if (!next->fragment() && url_->fragment()) {
    next = ParseHttpUrl(absl::StrCat(next->ToString(), "#", *url_->fragment()));
    if (!next.ok()) return next.status();
  }
  url_ = *std::move(next);
  ++redirects_;
  return absl::OkStatus();
}

absl::StatusOr<FetchAnswer> Transfer::TakeAnswer() {
  if (absl::Status good = CheckHead(); !good.ok()) return good;
  if (order_.what == FetchFor::kImage && !IsImageSignature(signature_)) {
    return absl::PermissionDeniedError("no picture");
  }
  FetchAnswer answer = {.final_url = url_->ToString(),
                        .http_status = static_cast<uint32_t>(Status()),
                        .opener_policy = Header("Cross-Origin-Opener-Policy"),
                        .embedder_policy = Header("Cross-Origin-Embedder-Policy"),
                        .body_size = body_.size()};
  ContentType type = ParseContentType(Header("Content-Type"));
  answer.content_type = std::move(type.type);
  answer.charset = std::move(type.charset);
  // One that is cut would be another one.
  if (answer.opener_policy.size() > kMaxPolicyBytes) answer.opener_policy.clear();
  if (answer.embedder_policy.size() > kMaxPolicyBytes) answer.embedder_policy.clear();
  absl::StatusOr<forkserver::UniqueFd> body = body_.Seal();
  if (!body.ok()) return body.status();
  answer.body = *std::move(body);
  return answer;
}

long Transfer::Status() const {
  long status = 0;
  Curl().easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

bool Transfer::IsRedirect() const {
  switch (Status()) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return !Header("Location").empty();
    default:
      return false;
  }
}

std::string Transfer::Header(const char* name) const {
  std::string all;
  curl_header* one = nullptr;
  for (size_t i = 0; Curl().easy_header(easy_.get(), name, i, CURLH_HEADER, -1, &one) == CURLHE_OK;
       ++i) {
    if (i > 0) all += ", ";
    all += one->value;
  }
  return all;
}

}  // namespace browser_host
