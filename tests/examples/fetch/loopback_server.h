// A server of HTTP/1.1 on the loopback, for tests: pages, folders, and every kind of misconduct.
//
//     LoopbackServer server;                                     // http://127.0.0.1:40123
//     server.Serve("/", {.headers = {{"Content-Type", "text/html"}}, .body = "<p>hello"});
//     server.Serve("/old", RedirectTo("/"));
//     server.Serve("/slow", Silent());
//     Fetch(server.Url("/"));
//     EXPECT_EQ(server.requests().size(), 1u);
//
// Several of them on 127.0.0.1, 127.0.0.2 and so on are several sites. With an identity it speaks
// TLS, and with `http2` the least of HTTP/2 (pages only).
//
// It has a thread, and one for each connection, so it is made after ForkServer::Start, and gone
// before the test's descriptors are counted: its destructor ends all connections and waits for the
// threads. Connections are kept for further requests. What cannot be had ends the program. What a
// handler does it does in its connection's thread; all else may be called by any.
#ifndef TESTS_EXAMPLES_FETCH_LOOPBACK_SERVER_H_
#define TESTS_EXAMPLES_FETCH_LOOPBACK_SERVER_H_

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/examples/fetch/certificates.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct HttpRequest {
  std::string method = {};
  std::string target = {};                          // "/a?b"
  std::map<std::string, std::string> headers = {};  // names in lower case
};

// One that a server has accepted.
class HttpConnection {
 public:
  // Does the handshake, where there is a context. `fd` outlives it.
  HttpConnection(int fd, SSL_CTX* tls);
  bool is_open() const { return is_open_; }
  // Whether the client chose HTTP/2.
  bool is_http2() const;

  // All of it. False: nobody reads it any more.
  bool Write(std::string_view bytes);
  // What there is, up to `most`; empty: the client has gone.
  std::string Read(size_t most = 16'384);
  // Up to the end of a request's headers; nothing: the client has gone.
  std::optional<HttpRequest> ReadRequest();
  // False: the client has gone, or has said something more.
  bool Pause(absl::Duration time);
  void WaitForClient();
  // No further request.
  void Close() { is_open_ = false; }

 private:
  const int fd_;
  std::shared_ptr<SSL> tls_;
  bool is_open_ = true;
  std::string unread_;
};

using Handler = std::function<void(const HttpRequest& request, HttpConnection& connection)>;

struct Page {
  int status = 200;
  // Content-Length is added where it is missing.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};
std::string ToHttp(const Page& page);

// Misconduct.
Handler Silent();               // reads, and says nothing
Handler Raw(std::string text);  // says that, and closes
Handler RawThenSilent(std::string text);
// That, and then a piece of it again and again.
Handler Endless(std::string text, std::string piece);
Handler Drip(std::string text, std::string piece, absl::Duration period);
Handler RedirectTo(std::string url, int status = 302);
// `size` zero bytes, packed a thousandfold by gzip.
Handler GzipBomb(size_t size);

// Holds its callers until it is opened.
class Gate {
 public:
  void Wait();
  void Open();
  // How many came to it; waits until there are so many, ten seconds at most.
  size_t AwaitCallers(size_t count);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t callers_ = 0;
  bool is_open_ = false;
};

class LoopbackServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    std::optional<ServerIdentity> identity = {};  // https
    bool http2 = false;                           // offers it, by ALPN
  };

  LoopbackServer() : LoopbackServer(Options()) {}
  explicit LoopbackServer(Options options);
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();

  // Of a path, its query left out. The last one counts; a path that nobody named is a 404.
  void Serve(const std::string& path, Page page);
  void Serve(const std::string& path, Handler handler);
  // Each connection, before it has said anything, in place of all pages.
  void AnswerRaw(std::function<void(HttpConnection& connection)> handler);
  // Files of `folder` below `path`, which ends in a slash, with the types of their names.
  void ServeFolder(const std::string& path, const std::string& folder);

  uint16_t port() const { return port_; }
  // "http://127.0.0.1:40123/a", or with another host's name, which is to lead here.
  std::string Url(const std::string& path) const { return Url(options_.address, path); }
  std::string Url(const std::string& host, const std::string& path) const;

  // All that came, in their order.
  std::vector<HttpRequest> requests();
  // Accepted until now, and at most at one time.
  size_t connections();
  size_t most_connections();

 private:
  struct Connection {
    forkserver::UniqueFd fd;
    std::thread thread;
    bool has_ended = false;
  };

  void Accept();
  void Talk(Connection& connection);
  void TalkHttp2(HttpConnection& connection);
  std::function<void(HttpConnection& connection)> RawHandler();
  Handler FindHandler(const HttpRequest& request);
  std::optional<Page> FindFile(const std::string& path) const;

  const Options options_;
  std::shared_ptr<SSL_CTX> tls_;
  forkserver::UniqueFd listener_;
  uint16_t port_ = 0;

  std::mutex mutex_;
  std::map<std::string, Handler> handlers_;
  std::map<std::string, std::string> folders_;
  std::function<void(HttpConnection& connection)> raw_;
  std::vector<HttpRequest> requests_;
  std::list<Connection> all_;
  size_t accepted_ = 0;
  size_t open_ = 0;
  size_t most_open_ = 0;
  bool is_ending_ = false;
  std::thread acceptor_;
};

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_FETCH_LOOPBACK_SERVER_H_
