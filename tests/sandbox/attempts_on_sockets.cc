// To make sockets, and to reach the host and the network by them.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

template <int family, int type, int protocol>
AttemptResult MakeSocket(const AttemptTargets&) {
  const UniqueFd made(socket(family, type | SOCK_CLOEXEC, protocol));
  return AnswerOf("socket", made.get());
}

AttemptResult MakeAlgorithmSocket(const AttemptTargets& targets) {
  const AttemptResult result = MakeSocket<AF_ALG, SOCK_SEQPACKET, 0>(targets);
  if (result.error == EAFNOSUPPORT) return Unavailable("the kernel has no AF_ALG", result.error);
  return result;
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* Generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}
const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

AttemptResult ConnectTcp(const AttemptTargets& targets) {
  const UniqueFd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  const sockaddr_in address = Loopback(targets.tcp_port);
  return AnswerOf("connect", connect(made.get(), Generic(address), sizeof(address)));
}

AttemptResult ConnectTcpBySending(const AttemptTargets& targets) {
  const UniqueFd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  const sockaddr_in address = Loopback(targets.tcp_port);
  return AnswerOf("sendto", sendto(made.get(), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                                   Generic(address), sizeof(address)));
}

// A datagram that nobody takes is answered on the loopback before send returns, and the answer is
// the next call's error.
AttemptResult SendUdp(const AttemptTargets& targets) {
  const UniqueFd made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  const sockaddr_in address = Loopback(targets.udp_port);
  if (connect(made.get(), Generic(address), sizeof(address)) != 0) return Refused("connect");
  if (send(made.get(), "x", 1, 0) < 0) return Refused("send");
  char byte;
  if (recv(made.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED) {
    return Elsewhere("another loopback");
  }
  return Done();
}

AttemptResult ListenTcp(const AttemptTargets&) {
  const UniqueFd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  const sockaddr_in address = Loopback(0);
  if (bind(made.get(), Generic(address), sizeof(address)) != 0) return Refused("bind");
  return AnswerOf("listen", listen(made.get(), 1));
}

// A socket that was not bound gets a port by listen alone: no bind for a filter to see.
AttemptResult ListenUnbound(const AttemptTargets&) {
  const UniqueFd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  return AnswerOf("listen", listen(made.get(), 1));
}

AttemptResult BindUdp(const AttemptTargets&) {
  const UniqueFd made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  const sockaddr_in address = Loopback(0);
  return AnswerOf("bind", bind(made.get(), Generic(address), sizeof(address)));
}

struct LocalAddress {
  sockaddr_un address = {};
  socklen_t size = 0;
};

LocalAddress AtPath(const std::string& path) {
  LocalAddress local;
  local.address.sun_family = AF_UNIX;
  memcpy(local.address.sun_path, path.data(),
         std::min(path.size(), sizeof(local.address.sun_path) - 1));
  local.size = sizeof(local.address);
  return local;
}

LocalAddress Abstract(const std::string& name) {
  LocalAddress local = AtPath("?" + name);
  local.address.sun_path[0] = 0;
  local.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return local;
}

AttemptResult ConnectLocal(const LocalAddress& to) {
  const UniqueFd made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  return AnswerOf("connect", connect(made.get(), Generic(to.address), to.size));
}

AttemptResult BindLocal(const LocalAddress& at) {
  const UniqueFd made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  return AnswerOf("bind", bind(made.get(), Generic(at.address), at.size));
}

AttemptResult ConnectAbstract(const AttemptTargets& targets) {
  return ConnectLocal(Abstract(targets.abstract_name));
}

AttemptResult ConnectPath(const AttemptTargets& targets) {
  return ConnectLocal(AtPath(PathOf(targets, "socket")));
}

AttemptResult BindAbstract(const AttemptTargets& targets) {
  return BindLocal(Abstract(std::string(targets.abstract_name) + "-mine"));
}

AttemptResult BindPath(const AttemptTargets& targets) {
  return BindLocal(AtPath(PathOf(targets, "scratch/mine")));
}

AttemptResult MakePair(const AttemptTargets&) {
  int pair[2];
  return AnswerOf("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
}

// A datagram socket that has a peer sends to another one all the same.
AttemptResult ConnectPairElsewhere(const AttemptTargets& targets) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) return Refused("socketpair");
  const UniqueFd first(pair[0]);
  const UniqueFd second(pair[1]);
  const LocalAddress to = Abstract(std::string(targets.abstract_name) + "-datagrams");
  return AnswerOf("sendto",
                  sendto(first.get(), "x", 1, MSG_DONTWAIT, Generic(to.address), to.size));
}

AttemptResult ListInterfaces(const AttemptTargets&) {
  const UniqueFd made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  ifreq interfaces[16] = {};
  ifconf list = {};
  list.ifc_len = sizeof(interfaces);
  list.ifc_req = interfaces;
  if (ioctl(made.get(), SIOCGIFCONF, &list) != 0) return Refused("ioctl SIOCGIFCONF");
  return DoneIf(list.ifc_len > 0, "no interface");
}

AttemptResult BringInterfaceUp(const AttemptTargets&) {
  const UniqueFd made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made.is_open()) return Refused("socket");
  ifreq request = {};
  strcpy(request.ifr_name, "lo");
  if (ioctl(made.get(), SIOCGIFFLAGS, &request) != 0) return Refused("ioctl SIOCGIFFLAGS");
  if ((request.ifr_flags & IFF_UP) == 0) return Elsewhere("another loopback");
  return AnswerOf("ioctl SIOCSIFFLAGS", ioctl(made.get(), SIOCSIFFLAGS, &request));
}

AttemptResult AskForLinks(const AttemptTargets&) {
  const UniqueFd made(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!made.is_open()) return Refused("socket");
  struct {
    nlmsghdr header;
    rtgenmsg body;
  } request = {};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.body));
  request.header.nlmsg_type = RTM_GETADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.rtgen_family = AF_INET;
  if (send(made.get(), &request, sizeof(request), 0) < 0) return Refused("send");
  alignas(nlmsghdr) char answer[16384] = {};
  if (recv(made.get(), answer, sizeof(answer), 0) < 0) return Refused("recv");
  return DoneIf(reinterpret_cast<nlmsghdr*>(answer)->nlmsg_type == RTM_NEWADDR, "no address");
}

// What actors believe of who sent a message is what the kernel says (transceiver/packet.h).
AttemptResult ClaimHostIsSender(const AttemptTargets& targets) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return Refused("socketpair");
  const UniqueFd receiver(pair[0]);
  const UniqueFd sender(pair[1]);
  const int on = 1;
  if (setsockopt(receiver.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
    return Refused("setsockopt");
  }
  const ucred claim = {.pid = targets.host_pid, .uid = geteuid(), .gid = getegid()};
  char byte = 1;
  iovec bytes = {.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof(claim));
  memcpy(CMSG_DATA(header), &claim, sizeof(claim));
  if (sendmsg(sender.get(), &message, MSG_NOSIGNAL) != 1) return Refused("sendmsg");
  memset(control, 0, sizeof(control));
  if (recvmsg(receiver.get(), &message, 0) != 1) return Refused("recvmsg");
  ucred seen = {};
  memcpy(&seen, CMSG_DATA(header), sizeof(seen));
  return DoneIf(header->cmsg_type == SCM_CREDENTIALS && seen.pid == targets.host_pid,
                "the kernel names another sender");
}

// Linux 6.5; newer than the headers.
constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD

// The kernel names who made the pair: of a launch socket, the host.
AttemptResult TakePidfdOfPeer(const AttemptTargets& targets) {
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  const int got = getsockopt(targets.socket_fd, SOL_SOCKET, kPeerPidfd, &pidfd, &size);
  const UniqueFd owned(got == 0 ? pidfd : -1);
  // As a kernel answers that has not got it.
  if (got != 0 && errno == ENOPROTOOPT) return Unavailable("no SO_PEERPIDFD", errno);
  if (got != 0) return Refused("getsockopt");
  return DoneIf(owned.is_open(), "no descriptor");
}

// On sockets of the local family it is a queue of its own in the kernel, which nothing needs and by
// which sandboxes were left (CVE-2025-38236).
AttemptResult SendOutOfBand(const AttemptTargets&) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return Refused("socketpair");
  const UniqueFd receiver(pair[0]);
  const UniqueFd sender(pair[1]);
  char byte = 1;
  const bool by_send = send(sender.get(), &byte, 1, MSG_OOB | MSG_NOSIGNAL) == 1;
  const int error = errno;
  iovec bytes = {.iov_base = &byte, .iov_len = 1};
  msghdr message = {};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  mmsghdr several = {.msg_hdr = message, .msg_len = 0};
  if (sendmsg(sender.get(), &message, MSG_OOB | MSG_NOSIGNAL) == 1) return Done();
  if (sendmmsg(sender.get(), &several, 1, MSG_OOB | MSG_NOSIGNAL) == 1) return Done();
  if (recv(receiver.get(), &byte, 1, MSG_OOB | MSG_DONTWAIT) == 1) return Done();
  // By the sandbox, and not because nothing is there to be received (EINVAL).
  if (recvmsg(receiver.get(), &message, MSG_OOB | MSG_DONTWAIT) < 0 && errno == EINVAL) {
    return Done();
  }
  if (recvmmsg(receiver.get(), &several, 1, MSG_OOB | MSG_DONTWAIT, nullptr) < 0 &&
      errno == EINVAL) {
    return Done();
  }
  errno = error;
  return by_send ? Done() : Refused("send");
}

constexpr Attempt kAttempts[] = {
    {"socket-unix", "Makes a socket of the local family.", MakeSocket<AF_UNIX, SOCK_STREAM, 0>},
    {"socket-inet", "Makes a TCP socket.", MakeSocket<AF_INET, SOCK_STREAM, 0>},
    {"socket-inet6", "Makes a UDP socket of IPv6.", MakeSocket<AF_INET6, SOCK_DGRAM, 0>},
    {"socket-netlink", "Makes a socket to the kernel's tables.",
     MakeSocket<AF_NETLINK, SOCK_RAW, NETLINK_ROUTE>},
    {"socket-uevent", "Makes a socket that hears of devices.",
     MakeSocket<AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT>},
    {"socket-packet", "Makes a socket that sees every packet.", MakeSocket<AF_PACKET, SOCK_RAW, 0>,
     Needs::kRoot},
    {"socket-raw", "Makes a raw socket of IPv4.", MakeSocket<AF_INET, SOCK_RAW, IPPROTO_ICMP>,
     Needs::kRoot},
    {"socket-vsock", "Makes a socket to the hypervisor.", MakeSocket<AF_VSOCK, SOCK_STREAM, 0>},
    {"socket-alg", "Makes a socket to the kernel's ciphers.", MakeAlgorithmSocket},
    {"socketpair", "Makes two sockets that lead nowhere else: harmless.", MakePair},
    {"connect-tcp", "Connects to a TCP port of the host's on the loopback.", ConnectTcp},
    {"connect-tcp-by-sendto", "The same without connect (MSG_FASTOPEN).", ConnectTcpBySending},
    {"send-udp", "Sends a datagram to a port of the host's on the loopback.", SendUdp},
    {"listen-tcp", "Listens on a TCP port.", ListenTcp},
    {"listen-unbound", "Listens on a TCP port without bind.", ListenUnbound},
    {"bind-udp", "Binds a UDP port.", BindUdp},
    {"connect-abstract-socket", "Connects to a socket of the host's with an abstract name.",
     ConnectAbstract},
    {"connect-path-socket", "Connects to a socket of the host's in the file system.", ConnectPath},
    {"send-from-socketpair",
     "Sends a datagram to an abstract name from one end of a socket pair of its own.",
     ConnectPairElsewhere},
    {"claim-another-sender",
     "Sends a message in its host's name, as the kernel would tell who receives it.",
     ClaimHostIsSender, Needs::kRoot},
    {"pidfd-of-peer",
     "Takes a descriptor of its host's process from a socket that the host made (SO_PEERPIDFD).",
     TakePidfdOfPeer},
    {"send-out-of-band", "Sends a byte out of band over a socket pair of its own (MSG_OOB).",
     SendOutOfBand},
    {"bind-abstract-socket", "Takes an abstract name.", BindAbstract},
    {"bind-path-socket", "Binds a socket in a directory of the host's.", BindPath},
    {"ioctl-interfaces", "Lists the addresses of the machine (SIOCGIFCONF).", ListInterfaces},
    {"ioctl-interface-flags", "Brings the loopback up, which is up (SIOCSIFFLAGS).",
     BringInterfaceUp, Needs::kRoot},
    {"netlink-addresses", "Lists the addresses of the machine over netlink.", AskForLinks},
};

}  // namespace

std::span<const Attempt> SocketAttempts() { return kAttempts; }

}  // namespace forkserver::testing
