// The process of sockets: looks names up and fetches, over the loopback.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/sandbox_work/work_host.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

using sandbox_work::Check;
using sandbox_work::Do;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::WorkHost;
using testing::HostSetup;

constexpr int kPatienceMillis = 20'000;

struct Addresses {
  Addresses(const char* name, const char* service, int family, int type) {
    addrinfo hints = {};
    hints.ai_family = family;
    hints.ai_socktype = type;
    const int error = getaddrinfo(name, service, &hints, &first);
    if (error != 0) Fail(absl::StrFormat("getaddrinfo %s: %s", name, gai_strerror(error)));
  }
  ~Addresses() { freeaddrinfo(first); }
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  addrinfo* first = nullptr;
};

void WaitFor(int fd, short what) {
  pollfd wanted = {.fd = fd, .events = what, .revents = 0};
  if (Check(poll(&wanted, 1, kPatienceMillis), "poll") == 0) Fail("poll: nothing");
}

// As one that has many at once: never blocks but in poll and epoll.
std::string Fetch(const std::string& host, const std::string& service) {
  const Addresses addresses(host.c_str(), service.c_str(), AF_UNSPEC, SOCK_STREAM);
  std::string last;
  for (const addrinfo* one = addresses.first; one != nullptr; one = one->ai_next) {
    const UniqueFd fd(static_cast<int>(Check(
        socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket")));
    const int on = 1;
    Check(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
    if (connect(fd.get(), one->ai_addr, one->ai_addrlen) != 0 && errno != EINPROGRESS) {
      last = "connect: " + ErrnoName(errno);
      continue;
    }
    WaitFor(fd.get(), POLLOUT);
    int error = 0;
    socklen_t size = sizeof(error);
    Check(getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size), "SO_ERROR");
    if (error != 0) {
      last = "connect: " + ErrnoName(error);
      continue;
    }
    const std::string request = "GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
    Check(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), "send");
    const UniqueFd epoll(static_cast<int>(Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")));
    epoll_event wanted = {.events = EPOLLIN, .data = {.fd = fd.get()}};
    Check(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &wanted), "epoll_ctl");
    std::string answer;
    for (;;) {
      if (Check(epoll_wait(epoll.get(), &wanted, 1, kPatienceMillis), "epoll_wait") == 0) {
        Fail("no answer");
      }
      char chunk[1024];
      const long got = Check(recv(fd.get(), chunk, sizeof(chunk), 0), "recv");
      if (got == 0) return answer.substr(answer.find("\r\n\r\n") + 4);
      answer.append(chunk, static_cast<size_t>(got));
    }
  }
  Fail(last);
}

std::string FetchPage(ChildContext& context) { return Fetch(context.argv[1], context.argv[2]); }

std::string AskByDatagram(ChildContext& context) {
  const Addresses addresses(context.argv[1], context.argv[2], AF_UNSPEC, SOCK_DGRAM);
  const UniqueFd fd(static_cast<int>(
      Check(socket(addresses.first->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")));
  Check(sendto(fd.get(), "ping", 4, 0, addresses.first->ai_addr, addresses.first->ai_addrlen),
        "sendto");
  WaitFor(fd.get(), POLLIN);
  char answer[64];
  const long size = Check(recvfrom(fd.get(), answer, sizeof(answer), 0, nullptr, nullptr), "recv");
  return {answer, static_cast<size_t>(size)};
}

std::string LookUp(ChildContext& context) {
  const Addresses addresses(context.argv[1], nullptr, AF_INET, SOCK_STREAM);
  char text[64];
  const int error = getnameinfo(addresses.first->ai_addr, addresses.first->ai_addrlen, text,
                                sizeof(text), nullptr, 0, NI_NUMERICHOST);
  return error == 0 ? text : gai_strerror(error);
}

std::string LookUpService(ChildContext&) {
  const servent* const https = getservbyname("https", "tcp");
  return https == nullptr ? "none" : std::to_string(ntohs(static_cast<uint16_t>(https->s_port)));
}

// A socket of the host on its loopback.
class Server {
 public:
  Server(int family, int type) : fd_(socket(family, type | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address = {};
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
    }
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    is_there_ = fd_.is_open() && bind(fd_.get(), plain, size) == 0 &&
                (type == SOCK_DGRAM || listen(fd_.get(), 4) == 0) &&
                getsockname(fd_.get(), plain, &size) == 0;
    // Of both families in the same place.
    port_ = ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  }

  bool is_there() const { return is_there_; }
  std::string port() const { return std::to_string(port_); }

  // One request, or none in time.
  void AnswerOnce() const {
    pollfd wanted = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (poll(&wanted, 1, 2 * kPatienceMillis) <= 0) return;
    const UniqueFd connection(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char request[4096];
    if (recv(connection.get(), request, sizeof(request), 0) <= 0) return;
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    send(connection.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }

  void EchoOnce() const {
    pollfd wanted = {.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (poll(&wanted, 1, 2 * kPatienceMillis) <= 0) return;
    char bytes[64];
    sockaddr_storage from;
    socklen_t size = sizeof(from);
    const ssize_t got =
        recvfrom(fd_.get(), bytes, sizeof(bytes), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got > 0) {
      sendto(fd_.get(), bytes, static_cast<size_t>(got), 0, reinterpret_cast<sockaddr*>(&from),
             size);
    }
  }

 private:
  const UniqueFd fd_;
  bool is_there_ = false;
  uint16_t port_ = 0;
};

std::string FetchFrom(ForkServer& server, int family, const std::string& name) {
  const Server web(family, SOCK_STREAM);
  if (!web.is_there()) return "no server";
  std::thread thread([&web] { web.AnswerOnce(); });
  std::string said =
      Do(server, SandboxPolicyId::kSocket, "fetch", {.argv = {"", name, web.port()}});
  thread.join();
  return said;
}

std::string EchoFrom(ForkServer& server, int family, const std::string& address) {
  const Server echo(family, SOCK_DGRAM);
  if (!echo.is_there()) return "no server";
  std::thread thread([&echo] { echo.EchoOnce(); });
  std::string said =
      Do(server, SandboxPolicyId::kSocket, "datagram", {.argv = {"", address, echo.port()}});
  thread.join();
  return said;
}

HOST_TEST(SocketWork, FetchesByAddress) {
  EXPECT_EQ(FetchFrom(server, AF_INET, "127.0.0.1"), "hello");
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(SocketWork, FetchesByAddressOfTheNewerProtocol) {
  // A machine without it is as good as any other.
  if (!Server(AF_INET6, SOCK_STREAM).is_there()) return;
  EXPECT_EQ(FetchFrom(server, AF_INET6, "::1"), "hello");
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(SocketWork, FetchesByNameThatTheHostsFileHas) {
  EXPECT_EQ(FetchFrom(server, AF_INET, "localhost"), "hello");
  EXPECT_EQ(Do(server, SandboxPolicyId::kSocket, "look up", {.argv = {"", "localhost"}}),
            "127.0.0.1");
  EXPECT_EQ(RefusedCalls(server), "");
}

// nscd's socket is tried by the first look-up of all, so it is refused here and nowhere else.
HOST_TEST(SocketWork, LooksUpWithoutAWarmUpToo) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kSocket, "look up", {.argv = {"", "localhost"}}),
            "127.0.0.1");
  for (const RefusedCall& call : server.refused_calls()) {
    EXPECT_EQ(call.number, SYS_socket) << ToString(call);
    EXPECT_EQ(call.arguments[0], uint64_t{AF_UNIX}) << ToString(call);
  }
}

HOST_TEST(SocketWork, KnowsServicesByName) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kSocket, "look up service"), "443");
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(SocketWork, SendsAndReceivesDatagrams) {
  EXPECT_EQ(EchoFrom(server, AF_INET, "127.0.0.1"), "ping");
  if (Server(AF_INET6, SOCK_DGRAM).is_there()) {
    EXPECT_EQ(EchoFrom(server, AF_INET6, "::1"), "ping");
  }
  EXPECT_EQ(RefusedCalls(server), "");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = WorkHost({{"fetch", FetchPage},
                              {"datagram", AskByDatagram},
                              {"look up", LookUp},
                              {"look up service", LookUpService}},
                             {SandboxPolicyId::kSocket});
  if (test == "SocketWork.LooksUpWithoutAWarmUpToo") return setup;
  setup.options.templates[0].warm_ups = {{"names", [] {
                                            const Addresses loopback("localhost", nullptr,
                                                                     AF_UNSPEC, SOCK_STREAM);
                                            getservbyname("https", "tcp");
                                            return absl::OkStatus();
                                          }}};
  return setup;
}

}  // namespace forkserver
