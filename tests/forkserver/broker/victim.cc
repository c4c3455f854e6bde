#include "tests/forkserver/broker/victim.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <string_view>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

constexpr char kVictimArgument[] = "--broker-victim";
constexpr char kStormArgument[] = "--under-signals";
constexpr int kVictimSocket = 3;
constexpr suseconds_t kStormMicros = 200;
#if !defined(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

constexpr int kNotified[] = {
    SYS_openat,      SYS_openat2,     SYS_newfstatat, SYS_statx,     SYS_faccessat, SYS_faccessat2,
    SYS_readlinkat,  SYS_mkdirat,     SYS_unlinkat,   SYS_renameat2, SYS_connect,   SYS_ptrace,
    SYS_setpriority, SYS_sethostname,
#if defined(__x86_64__)
    SYS_open,        SYS_creat,       SYS_stat,       SYS_lstat,     SYS_access,    SYS_readlink,
    SYS_mkdir,       SYS_unlink,      SYS_rmdir,      SYS_rename,    SYS_renameat,
#endif
};

struct Request {
  CallsFrom from = CallsFrom::kMainThread;
  uint32_t times = 1;
  long number = 0;
  // An offset into `text` where is_text says so.
  uint64_t arguments[6] = {};
  bool is_text[6] = {};
  uint32_t text_bytes = 0;
  char text[16384] = {};
};

struct Reply {
  long value = -1;
  int error = 0;
  int64_t nanos = 0;
  uint32_t text_bytes = 0;
  char text[16384] = {};
};

// --- in the victim

int InstallFilter() {
  std::vector<sock_filter> code;
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const int number : kNotified) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog program = {.len = static_cast<unsigned short>(code.size()), .filter = code.data()};
  // As every sandboxed child: the broker has none either, and looks into nobody who has more.
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capset, &header, none) != 0) return -1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
              SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program));
}

void MakeCall(Request& request, Reply& reply) {
  uint64_t* const a = request.arguments;
  for (size_t i = 0; i < 6; ++i) {
    if (request.is_text[i]) a[i] = reinterpret_cast<uint64_t>(request.text + a[i]);
  }
  const int64_t start = NowNanos();
  for (uint32_t i = 0; i < request.times; ++i) {
    if (i > 0 && reply.value >= 0) close(static_cast<int>(reply.value));
    reply.value = syscall(request.number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  reply.error = reply.value < 0 ? errno : 0;
  reply.nanos = NowNanos() - start;
}

void StartStorm() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer = {.it_interval = {.tv_sec = 0, .tv_usec = kStormMicros},
                           .it_value = {.tv_sec = 0, .tv_usec = kStormMicros}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

int RunVictim(SignalStorm storm) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int listener = InstallFilter();
  const int error = listener < 0 ? -errno : listener;
  char go;
  if (send(kVictimSocket, &error, sizeof(error), 0) < 0) return 1;
  if (recv(kVictimSocket, &go, sizeof(go), 0) != sizeof(go)) return 1;
  close(listener);
  if (storm == SignalStorm::kYes) StartStorm();
  static Request request;
  static Reply reply;
  while (recv(kVictimSocket, &request, sizeof(request), 0) > 0) {
    reply = Reply();
    if (request.from == CallsFrom::kNewThread) {
      std::thread([] { MakeCall(request, reply); }).join();
    } else {
      MakeCall(request, reply);
    }
    reply.text_bytes = request.text_bytes;
    memcpy(reply.text, request.text, request.text_bytes);
    if (send(kVictimSocket, &reply, offsetof(Reply, text) + reply.text_bytes, 0) < 0) return 1;
  }
  return 0;
}

// --- in the test

std::pair<Process, UniqueFd> StartVictim(SignalStorm storm) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) abort();
  UniqueFd mine(sockets[0]);
  const UniqueFd its(sockets[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its.get(), kVictimSocket);
  std::vector<char*> argv = {const_cast<char*>("victim"), const_cast<char*>(kVictimArgument)};
  if (storm == SignalStorm::kYes) argv.push_back(const_cast<char*>(kStormArgument));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << "posix_spawn: " << strerror(error);
  if (error != 0) abort();
  absl::StatusOr<Process> process = Process::Adopt(pid);
  EXPECT_TRUE(process.ok()) << process.status();
  return {*std::move(process), std::move(mine)};
}

}  // namespace

Victim::Victim(SignalStorm storm) : process_(-1, UniqueFd()) {
  std::tie(process_, socket_) = StartVictim(storm);
  int its = -1;
  if (recv(socket_.get(), &its, sizeof(its), 0) != sizeof(its) || its < 0) {
    ADD_FAILURE() << "the victim has no filter: " << strerror(-its);
    return;
  }
  listener_.reset(static_cast<int>(syscall(SYS_pidfd_getfd, process_.pidfd(), its, 0)));
  EXPECT_TRUE(listener_.is_open()) << strerror(errno);
  EXPECT_EQ(send(socket_.get(), "", 1, 0), 1);
}

void Victim::Send(uint32_t how, uint32_t times, long number,
                  std::initializer_list<VictimArgument> arguments) {
  Request request;
  request.from = static_cast<CallsFrom>(how);
  request.times = times;
  request.number = number;
  size_t i = 0;
  for (const VictimArgument& argument : arguments) {
    request.is_text[i] = argument.is_text_;
    request.arguments[i] = argument.is_text_ ? request.text_bytes : argument.number_;
    const size_t size = argument.is_text_ ? argument.text_.size() + 1 : 0;
    if (request.text_bytes + size > sizeof(request.text)) abort();
    memcpy(request.text + request.text_bytes, argument.text_.c_str(), size);
    request.text_bytes += static_cast<uint32_t>(size);
    ++i;
  }
  EXPECT_GT(send(socket_.get(), &request, sizeof(request), MSG_NOSIGNAL), 0) << strerror(errno);
}

void Victim::Begin(long number, std::initializer_list<VictimArgument> arguments, CallsFrom from) {
  Send(static_cast<uint32_t>(from), 1, number, arguments);
}

VictimAnswer Victim::End() {
  Reply reply;
  const ssize_t size = recv(socket_.get(), &reply, sizeof(reply), 0);
  if (size < static_cast<ssize_t>(offsetof(Reply, text))) return {.error = ECONNRESET, .room = {}};
  return {reply.value, reply.error, std::string(reply.text, reply.text_bytes)};
}

VictimAnswer Victim::Call(long number, std::initializer_list<VictimArgument> arguments,
                          CallsFrom from) {
  Begin(number, arguments, from);
  return End();
}

bool Victim::HasAnswer() const {
  pollfd poll_fd = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
  return poll(&poll_fd, 1, 0) == 1;
}

double Victim::Time(long number, std::initializer_list<VictimArgument> arguments, uint32_t times) {
  Send(static_cast<uint32_t>(CallsFrom::kMainThread), times, number, arguments);
  Reply reply;
  if (recv(socket_.get(), &reply, sizeof(reply), 0) <= 0 || reply.error != 0) return -1;
  return static_cast<double>(reply.nanos) / times;
}

}  // namespace forkserver::testing

int main(int argc, char** argv) {
  using namespace forkserver::testing;
  if (argc > 1 && std::string_view(argv[1]) == kVictimArgument) {
    _exit(RunVictim(argc > 2 ? SignalStorm::kYes : SignalStorm::kNo));
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
