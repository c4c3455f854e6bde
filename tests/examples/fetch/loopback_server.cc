#include "tests/examples/fetch/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>

#include "absl/strings/str_format.h"

namespace browser_host {
namespace {

void Check(bool good, const char* what) {
  if (good) return;
  fprintf(stderr, "loopback server: %s: %s\n", what, strerror(errno));
  abort();
}

std::shared_ptr<BIO> Memory(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

int ChooseHttp2(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  static constexpr unsigned char kOffered[] = "\x02h2\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, kOffered, sizeof(kOffered) - 1, in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

std::shared_ptr<SSL_CTX> MakeTls(const ServerIdentity& identity, bool http2) {
  std::shared_ptr<SSL_CTX> tls(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const std::shared_ptr<X509> certificate(
      PEM_read_bio_X509(Memory(identity.certificate).get(), nullptr, nullptr, nullptr), X509_free);
  const std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Memory(identity.key).get(), nullptr, nullptr, nullptr),
      EVP_PKEY_free);
  Check(SSL_CTX_use_certificate(tls.get(), certificate.get()) == 1, "certificate");
  Check(SSL_CTX_use_PrivateKey(tls.get(), key.get()) == 1, "key");
  if (http2) SSL_CTX_set_alpn_select_cb(tls.get(), ChooseHttp2, nullptr);
  return tls;
}

std::string TypeOf(const std::string& path) {
  static const std::map<std::string, std::string> kTypes = {
      {"html", "text/html"}, {"css", "text/css"},    {"png", "image/png"}, {"jpg", "image/jpeg"},
      {"gif", "image/gif"},  {"webp", "image/webp"}, {"txt", "text/plain"}};
  const auto found = kTypes.find(path.substr(path.rfind('.') + 1));
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return tolower(c); });
  return text;
}

}  // namespace

HttpConnection::HttpConnection(int fd, SSL_CTX* tls) : fd_(fd) {
  if (tls == nullptr) return;
  tls_.reset(SSL_new(tls), SSL_free);
  SSL_set_fd(tls_.get(), fd);
  is_open_ = SSL_accept(tls_.get()) == 1;
}

bool HttpConnection::is_http2() const {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  if (tls_ != nullptr) SSL_get0_alpn_selected(tls_.get(), &chosen, &size);
  return size == 2;
}

bool HttpConnection::Write(std::string_view bytes) {
  while (is_open_ && !bytes.empty()) {
    const ssize_t written =
        tls_ != nullptr ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                        : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) {
      is_open_ = false;
    } else {
      bytes.remove_prefix(static_cast<size_t>(written));
    }
  }
  return is_open_;
}

std::string HttpConnection::Read(size_t most) {
  std::string bytes(most, 0);
  const ssize_t got = tls_ != nullptr
                          ? SSL_read(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                          : recv(fd_, bytes.data(), bytes.size(), 0);
  if (got <= 0) is_open_ = false;
  bytes.resize(got <= 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

std::optional<HttpRequest> HttpConnection::ReadRequest() {
  size_t end = unread_.find("\r\n\r\n");
  while (end == std::string::npos) {
    const std::string more = Read();
    if (more.empty()) return {};
    unread_ += more;
    end = unread_.find("\r\n\r\n");
  }
  std::istringstream lines(unread_.substr(0, end + 2));
  unread_.erase(0, end + 4);
  HttpRequest request;
  std::string line;
  std::getline(lines, line);
  std::istringstream(line) >> request.method >> request.target;
  while (std::getline(lines, line)) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    request.headers[LowerCase(line.substr(0, colon))] =
        line.substr(colon + 2, line.size() - colon - 3);
  }
  return request;
}

bool HttpConnection::Pause(absl::Duration time) {
  pollfd ready = {.fd = fd_, .events = POLLIN | POLLRDHUP, .revents = 0};
  return is_open_ && poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) == 0;
}

void HttpConnection::WaitForClient() {
  while (is_open_ && !Read().empty()) {
  }
}

std::string ToHttp(const Page& page) {
  std::string text = absl::StrFormat("HTTP/1.1 %d Status\r\n", page.status);
  bool has_length = false;
  for (const auto& [name, value] : page.headers) {
    has_length |= name == "Content-Length";
    text += name + ": " + value + "\r\n";
  }
  if (!has_length) text += absl::StrFormat("Content-Length: %d\r\n", page.body.size());
  return text + "\r\n" + page.body;
}

Handler Silent() { return RawThenSilent(""); }

Handler Raw(std::string text) {
  return [text = std::move(text)](const HttpRequest&, HttpConnection& connection) {
    connection.Write(text);
    connection.Close();
  };
}

Handler RawThenSilent(std::string text) {
  return [text = std::move(text)](const HttpRequest&, HttpConnection& connection) {
    connection.Write(text);
    connection.WaitForClient();
  };
}

Handler Endless(std::string text, std::string piece) {
  return [text = std::move(text), piece = std::move(piece)](const HttpRequest&,
                                                            HttpConnection& connection) {
    connection.Write(text);
    while (connection.Write(piece)) {
    }
  };
}

Handler Drip(std::string text, std::string piece, absl::Duration period) {
  return [text = std::move(text), piece = std::move(piece), period](const HttpRequest&,
                                                                    HttpConnection& connection) {
    connection.Write(text);
    while (connection.Pause(period) && connection.Write(piece)) {
    }
    connection.Close();
  };
}

Handler RedirectTo(std::string url, int status) {
  return [text = ToHttp({.status = status, .headers = {{"Location", std::move(url)}}})](
             const HttpRequest&, HttpConnection& connection) { connection.Write(text); };
}

Handler GzipBomb(size_t size) {
  z_stream stream = {};
  Check(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK, "deflate");
  std::string packed(size / 500 + 1000, 0);
  stream.next_out = reinterpret_cast<unsigned char*>(packed.data());
  stream.avail_out = static_cast<unsigned>(packed.size());
  std::string zeros(1 << 20, 0);
  for (size_t done = 0; done < size; done += zeros.size()) {
    stream.next_in = reinterpret_cast<unsigned char*>(zeros.data());
    stream.avail_in = static_cast<unsigned>(zeros.size());
    Check(deflate(&stream, Z_NO_FLUSH) == Z_OK, "deflate");
  }
  Check(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflate");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return Raw(ToHttp({.headers = {{"Content-Type", "text/html"}, {"Content-Encoding", "gzip"}},
                     .body = std::move(packed)}));
}

void Gate::Wait() {
  std::unique_lock lock(mutex_);
  ++callers_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return is_open_; });
}

void Gate::Open() {
  const std::lock_guard lock(mutex_);
  is_open_ = true;
  changed_.notify_all();
}

size_t Gate::AwaitCallers(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(10), [&] { return callers_ >= count; });
  return callers_;
}

LoopbackServer::LoopbackServer(Options options)
    : options_(std::move(options)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (options_.identity) tls_ = MakeTls(*options_.identity, options_.http2);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  Check(inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) == 1, "address");
  socklen_t size = sizeof(address);
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  Check(bind(listener_.get(), plain, size) == 0, "bind");
  Check(listen(listener_.get(), 256) == 0, "listen");
  Check(getsockname(listener_.get(), plain, &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

LoopbackServer::~LoopbackServer() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    // It ends the accept and every read and write of theirs.
    shutdown(listener_.get(), SHUT_RDWR);
    for (const Connection& one : all_) {
      if (!one.has_ended) shutdown(one.fd.get(), SHUT_RDWR);
    }
  }
  acceptor_.join();
  for (Connection& one : all_) one.thread.join();
}

void LoopbackServer::Serve(const std::string& path, Page page) {
  Serve(path, [text = ToHttp(page)](const HttpRequest&, HttpConnection& connection) {
    connection.Write(text);
  });
}

void LoopbackServer::Serve(const std::string& path, Handler handler) {
  const std::lock_guard lock(mutex_);
  handlers_[path] = std::move(handler);
}

void LoopbackServer::AnswerRaw(std::function<void(HttpConnection& connection)> handler) {
  const std::lock_guard lock(mutex_);
  raw_ = std::move(handler);
}

void LoopbackServer::ServeFolder(const std::string& path, const std::string& folder) {
  const std::lock_guard lock(mutex_);
  folders_[path] = folder;
}

std::string LoopbackServer::Url(const std::string& host, const std::string& path) const {
  return absl::StrFormat("%s://%s:%d%s", tls_ != nullptr ? "https" : "http", host, port_, path);
}

std::vector<HttpRequest> LoopbackServer::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t LoopbackServer::connections() {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

size_t LoopbackServer::most_connections() {
  const std::lock_guard lock(mutex_);
  return most_open_;
}

void LoopbackServer::Accept() {
  for (;;) {
    forkserver::UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::lock_guard lock(mutex_);
    if (is_ending_ || !fd.is_open()) return;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ++accepted_;
    most_open_ = std::max(most_open_, ++open_);
    Connection& connection = all_.emplace_back();
    connection.fd = std::move(fd);
    connection.thread = std::thread([this, &connection] { Talk(connection); });
  }
}

void LoopbackServer::Talk(Connection& connection) {
  // OpenSSL's writes to a client that is gone.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  {
    HttpConnection http(connection.fd.get(), tls_.get());
    if (const auto raw = RawHandler(); http.is_open() && raw) raw(http);
    if (http.is_open() && http.is_http2()) TalkHttp2(http);
    while (http.is_open()) {
      const std::optional<HttpRequest> request = http.ReadRequest();
      if (!request) break;
      FindHandler (*request)(*request, http);
    }
  }
  const std::lock_guard lock(mutex_);
  --open_;
  connection.has_ended = true;
  // What the client has sent and nobody has read would make it a reset, which takes what was
  // written away.
  shutdown(connection.fd.get(), SHUT_WR);
  char rest[4096];
  while (recv(connection.fd.get(), rest, sizeof(rest), MSG_DONTWAIT) > 0) {
  }
  connection.fd.reset();
}

std::function<void(HttpConnection& connection)> LoopbackServer::RawHandler() {
  const std::lock_guard lock(mutex_);
  return raw_;
}

Handler LoopbackServer::FindHandler(const HttpRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  if (const auto found = handlers_.find(path); found != handlers_.end()) return found->second;
  const Page page = FindFile(path).value_or(
      Page{.status = 404, .headers = {{"Content-Type", "text/html"}}, .body = "<p>not found"});
  return [text = ToHttp(page)](const HttpRequest&, HttpConnection& connection) {
    connection.Write(text);
  };
}

std::optional<Page> LoopbackServer::FindFile(const std::string& path) const {
  for (const auto& [prefix, folder] : folders_) {
    if (path.compare(0, prefix.size(), prefix) != 0 || path.find("..") != std::string::npos) {
      continue;
    }
    std::ifstream file(folder + "/" + path.substr(prefix.size()), std::ios::binary);
    std::string body{std::istreambuf_iterator<char>(file), {}};
    if (file.is_open() && !file.bad()) {
      return Page{.headers = {{"Content-Type", TypeOf(path)}}, .body = std::move(body)};
    }
  }
  return {};
}

// One stream after another, of which nothing is looked at: each has the page "/http2".
void LoopbackServer::TalkHttp2(HttpConnection& connection) {
  const auto frame = [](uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
    std::string bytes;
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>(payload.size() >> shift);
    bytes += static_cast<char>(type);
    bytes += static_cast<char>(flags);
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift);
    return bytes + std::string(payload);
  };
  constexpr uint8_t kData = 0, kHeaders = 1, kSettings = 4, kAck = 1, kEndStream = 1,
                    kEndHeaders = 4;
  constexpr size_t kFrameHead = 9;
  constexpr size_t kPreface = 24;
  // Status 200 (8), and content-type (31) by its number.
  const std::string type = "text/html";
  const std::string head = std::string("\x88\x0f\x10") + static_cast<char>(type.size()) + type;
  std::string unread;
  const auto need = [&](size_t size) {
    while (connection.is_open() && unread.size() < size) unread += connection.Read();
    return unread.size() >= size;
  };
  connection.Write(frame(kSettings, 0, 0, ""));
  if (!need(kPreface)) return;
  unread.erase(0, kPreface);
  while (need(kFrameHead)) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(unread[at]); };
    const size_t size = size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2);
    const uint8_t kind = byte(3);
    const uint8_t flags = byte(4);
    const uint32_t stream =
        uint32_t{byte(5)} << 24 | uint32_t{byte(6)} << 16 | uint32_t{byte(7)} << 8 | byte(8);
    if (!need(kFrameHead + size)) return;
    unread.erase(0, kFrameHead + size);
    if (kind == kSettings && (flags & kAck) == 0) connection.Write(frame(kSettings, kAck, 0, ""));
    if (kind != kHeaders) continue;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back({.method = "HTTP/2", .target = absl::StrFormat("stream %d", stream)});
    }
    connection.Write(frame(kHeaders, kEndHeaders, stream, head) +
                     frame(kData, kEndStream, stream, "<p>by HTTP/2"));
  }
}

}  // namespace browser_host
