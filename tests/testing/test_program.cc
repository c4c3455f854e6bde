#include "tests/testing/test_program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "transceiver/byte_order.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Limit(__rlimit_resource resource) {
  rlimit limit;
  getrlimit(resource, &limit);
  return absl::StrFormat("%d:%d", limit.rlim_cur, limit.rlim_max);
}

void AddDescriptors(Report& report) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  while (const dirent* entry = readdir(folder.get())) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(folder.get())) continue;
    char target[256];
    const ssize_t size = readlinkat(dirfd(folder.get()), entry->d_name, target, sizeof(target));
    std::string text(target, size > 0 ? static_cast<size_t>(size) : 0);
    if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) text += "+inherit";
    report["fd." + std::to_string(fd)] = text;
  }
}

// Whether glibc knows the tid that the kernel gave this process: the owner that it writes into a
// mutex is the tid that it has cached.
bool OwnerIsSelf() {
  pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  pthread_mutex_lock(&mutex);
  return mutex.__data.__owner == gettid();
}

Report Describe(const ChildContext& context, bool count_only) {
  Report report;
  report["pid"] = std::to_string(getpid());
  report["ppid"] = std::to_string(getppid());
  char cwd[4096];
  report["cwd"] = getcwd(cwd, sizeof(cwd)) != nullptr ? cwd : "?";
  report["nice"] = std::to_string(getpriority(PRIO_PROCESS, 0));
  char name[16] = {};
  prctl(PR_GET_NAME, name);
  report["name"] = name;
  std::string title = ReadFile("/proc/self/cmdline");
  report["title"] = title.substr(0, title.find('\0'));
  report["argc"] = std::to_string(context.argv.size());
  size_t argument_bytes = 0;
  for (size_t i = 0; i < context.argv.size(); ++i) {
    argument_bytes += strlen(context.argv[i]) + 1;
    if (!count_only) report["argv." + std::to_string(i)] = context.argv[i];
  }
  report["argument_bytes"] = std::to_string(argument_bytes);
  size_t variables = 0;
  size_t environment_bytes = 0;
  for (char** entry = environ; *entry != nullptr; ++entry, ++variables) {
    const std::string_view text(*entry);
    environment_bytes += text.size() + 1;
    const size_t equals = text.find('=');
    if (!count_only) {
      report["env." + std::string(text.substr(0, equals))] = std::string(text.substr(equals + 1));
    }
  }
  report["variables"] = std::to_string(variables);
  report["environment_bytes"] = std::to_string(environment_bytes);
  AddDescriptors(report);
  report["nofile"] = Limit(RLIMIT_NOFILE);
  report["core"] = Limit(RLIMIT_CORE);
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  report["death_signal"] = std::to_string(death_signal);
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &mask, sizeof(mask));
  report["signal_mask"] = std::to_string(mask);
  report["prefs"] = std::to_string(context.prefs.size());
  report["generation"] = std::to_string(context.prefs.generation());
  for (const char* pref : {"test.a", "test.b"}) {
    report[std::string("pref.") + pref] = std::to_string(context.prefs.GetInt(pref, -1));
  }
  report["owner_is_self"] = OwnerIsSelf() ? "yes" : "no";
  const std::string status = ReadFile("/proc/self/status");
  const size_t threads = status.find("Threads:\t");
  report["threads"] = std::to_string(atoi(status.c_str() + threads + 9));
  return report;
}

int SendReport(ChildContext& context, bool count_only) {
  std::vector<uint8_t> payload(kMaxPayloadBytes);
  ByteWriter out(payload);
  for (const auto& [key, value] : Describe(context, count_only)) {
    out.String(key);
    out.String(value);
  }
  if (!out.ok()) return 1;
  return context.channel.Send({.type = kReport}, out.written()) == 0 ? 0 : 1;
}

int Echo(ChildContext& context) {
  while (context.channel.Receive() == ReceiveOutcome::kMessage) {
    Packet& packet = context.channel.packet();
    std::vector<int> fds;
    for (size_t i = 0; i < packet.descriptors().size(); ++i) {
      fds.push_back(packet.descriptors().get(i));
    }
    Frame frame = packet.frame();
    if (context.channel.Send(frame, packet.payload(), fds) != 0) break;
  }
  return 0;
}

int WaitForHangUp(ChildContext& context) {
  while (context.channel.Receive() == ReceiveOutcome::kMessage) {
  }
  return 0;
}

// The heap, its lock and the thread machinery of a raw-cloned child must work.
int RunThreads() {
  std::mutex mutex;
  std::set<pid_t> tids;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      std::vector<std::unique_ptr<char[]>> blocks;
      for (int j = 0; j < 1000; ++j) blocks.push_back(std::make_unique<char[]>(1 + j * 7));
      const std::lock_guard lock(mutex);
      tids.insert(gettid());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return tids.size() == threads.size() && tids.count(getpid()) == 0 ? 0 : 1;
}

int Flood(ChildContext& context) {
  const std::vector<uint8_t> payload(1000);
  while (context.channel.Send({.type = kEcho}, payload) == 0) {
  }
  return 0;
}

int Trace(ChildContext& context, int pid) {
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) return errno;
  return context.channel.Send({.type = kEcho}) == 0 ? WaitForHangUp(context) : 1;
}

}  // namespace

int TestProgram::Run(ChildContext& context) {
  const std::string_view what = context.argv.empty() ? "exit" : context.argv[0];
  const int number = context.argv.size() > 1 ? atoi(context.argv[1]) : 0;
  if (what == "exit") return number;
  if (what == "raise") return raise(number);
  if (what == "exec") {
    execl("/bin/sh", "sh", "-c", context.argv[1], nullptr);
    return errno;
  }
  if (what == "report") return SendReport(context, /*count_only=*/false);
  if (what == "count") return SendReport(context, /*count_only=*/true);
  if (what == "echo") return Echo(context);
  if (what == "wait") return WaitForHangUp(context);
  if (what == "throw") throw std::runtime_error("thrown in a child");
  if (what == "say") return printf("%s\n", context.argv[1]) < 0;
  if (what == "sleep") {
    for (;;) pause();
  }
  if (what == "trace") return Trace(context, number);
  if (what == "threads") return RunThreads();
  if (what == "flood") return Flood(context);
  return 99;
}

absl::StatusOr<Report> ReportOf(const LaunchedChild& child) {
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage ||
      packet.frame().type != kReport) {
    return absl::InternalError("the child sent no report");
  }
  Report report;
  ByteReader in(packet.payload());
  while (in.remaining() > 0) {
    const std::string key(in.String());
    report[key] = std::string(in.String());
  }
  if (!in.AtEnd()) return absl::InternalError("malformed report");
  return report;
}

std::string DescriptorNumbers(const Report& report) {
  std::set<int> numbers;
  bool launch_socket_seen = false;
  for (const auto& [key, value] : report) {
    if (!key.starts_with("fd.")) continue;
    // The launch socket is the one socket that no Plan of these tests names.
    if (!launch_socket_seen && value.starts_with("socket:") && !value.ends_with("+inherit") &&
        atoi(key.c_str() + 3) > 2) {
      launch_socket_seen = true;
      continue;
    }
    numbers.insert(atoi(key.c_str() + 3));
  }
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text;
}

}  // namespace forkserver::testing
