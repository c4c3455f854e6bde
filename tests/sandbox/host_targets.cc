#include "tests/sandbox/host_targets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "tests/sandbox/sibling_wire.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/poll_until.h"

namespace forkserver::testing {
namespace {

constexpr int kGivenNumber = 40;
constexpr int kTerminalNumber = 41;
constexpr int kConsoleNumber = 42;
constexpr int kNamespaceNumber = 43;
constexpr int kSocketNumber = 44;

constexpr uint64_t kMemoryBytes = uint64_t{256} << 20;
constexpr uint32_t kThreads = 100;
constexpr uint32_t kChildren = 20;
constexpr uint32_t kOpenFiles = 5000;

void CopyText(std::string_view text, std::span<char> to) {
  memcpy(to.data(), text.data(), std::min(text.size(), to.size() - 1));
}

absl::Status MakeSecret(std::span<char> secret) {
  constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz234567";
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    return ErrnoStatus(errno, "getrandom");
  }
  for (char& letter : secret) letter = kLetters[letter & 31];
  return absl::OkStatus();
}

absl::Status WriteFile(const std::string& path, std::span<const char> content) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return ErrnoStatus(errno, "open " + path);
  if (write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    return ErrnoStatus(errno, "write " + path);
  }
  return absl::OkStatus();
}

absl::Status MakeDirectory(const std::string& path) {
  return mkdir(path.c_str(), 0755) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "mkdir " + path);
}

absl::StatusOr<UniqueFd> BindLoopback(int type, uint16_t& port) {
  UniqueFd made(socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.is_open()) return ErrnoStatus(errno, "socket AF_INET");
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  sockaddr* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(made.get(), generic, size) != 0) return ErrnoStatus(errno, "bind 127.0.0.1");
  if (getsockname(made.get(), generic, &size) != 0) return ErrnoStatus(errno, "getsockname");
  port = ntohs(address.sin_port);
  return made;
}

// `name` begins with a zero where it is an abstract one.
absl::StatusOr<UniqueFd> BindLocal(int type, const std::string& name) {
  UniqueFd made(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.is_open()) return ErrnoStatus(errno, "socket AF_UNIX");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof(address.sun_path) - 1));
  const size_t size = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == 0 ? 0 : 1);
  if (bind(made.get(), reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(size)) != 0) {
    return ErrnoStatus(errno, "bind " + name);
  }
  return made;
}

absl::Status Own(absl::StatusOr<UniqueFd> made, UniqueFd& owner) {
  if (made.ok()) owner = *std::move(made);
  return made.status();
}

absl::Status Listen(const UniqueFd& socket) {
  constexpr int kBacklog = 16;
  return listen(socket.get(), kBacklog) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "listen");
}

void TakeConnections(const UniqueFd& listening) {
  for (;;) {
    const UniqueFd taken(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!taken.is_open()) return;
  }
}

void TakeDatagrams(const UniqueFd& socket) {
  char byte;
  while (recv(socket.get(), &byte, 1, MSG_DONTWAIT) >= 0) {
  }
}

// What the sibling sends next, within ten seconds.
absl::Status ReceiveFromSibling(const UniqueFd& socket, void* to, size_t size) {
  const int ready = PollUntil(socket.get(), POLLIN, NowNanos() + 10 * kNanosPerSecond);
  if (ready == 0) return absl::DeadlineExceededError("the sibling does not answer");
  const ssize_t received = recv(socket.get(), to, size, MSG_DONTWAIT);
  if (received < 0) return ErrnoStatus(errno, "recv from the sibling");
  if (received != static_cast<ssize_t>(size)) return absl::UnavailableError("the sibling is gone");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<HostTargets>> HostTargets::Create(const std::string& sibling) {
  std::unique_ptr<HostTargets> host(new HostTargets);
  absl::Status status = MakeSecret(host->targets_.secret);
  if (status.ok()) status = host->MakeFiles();
  if (status.ok()) status = host->MakeSockets();
  if (status.ok()) status = host->MakeOthers();
  if (status.ok()) status = host->StartSibling(sibling);
  if (!status.ok()) return status;
  return host;
}

HostTargets::~HostTargets() {
  to_sibling_.reset();
  if (sibling_ != nullptr) sibling_->Wait(absl::Seconds(10)).IgnoreError();
  if (shared_memory_ != nullptr) shmdt(shared_memory_);
  if (directory_.empty()) return;
  RemoveLeftovers();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

absl::Status HostTargets::MakeFiles() {
  char name[] = "/tmp/forkserver-attempts-XXXXXX";
  if (mkdtemp(name) == nullptr) return ErrnoStatus(errno, std::string("mkdtemp ") + name);
  directory_ = name;
  CopyText(directory_, targets_.directory);
  // So that another user is refused for what he is and not at the door.
  if (chmod(name, 0755) != 0) return ErrnoStatus(errno, "chmod " + directory_);
  absl::Status status = WriteFile(directory_ + "/secret", targets_.secret);
  if (status.ok()) status = MakeDirectory(directory_ + "/given");
  if (status.ok()) status = WriteFile(directory_ + "/given/inside", targets_.secret);
  if (status.ok()) status = MakeScratch();
  if (!status.ok()) return status;

  const std::string given = directory_ + "/given";
  given_.reset(open(given.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!given_.is_open()) return ErrnoStatus(errno, "open " + given);
  targets_.directory_fd = kGivenNumber;

  alignas(file_handle) char memory[sizeof(file_handle) + kHandleBytes] = {};
  file_handle* const handle = reinterpret_cast<file_handle*>(memory);
  handle->handle_bytes = kHandleBytes;
  int mount = 0;
  if (name_to_handle_at(given_.get(), "../secret", handle, &mount, 0) == 0) {
    targets_.handle_bytes = static_cast<int32_t>(handle->handle_bytes);
    targets_.handle_type = handle->handle_type;
    memcpy(targets_.handle, handle->f_handle, handle->handle_bytes);
  }
  return absl::OkStatus();
}

absl::Status HostTargets::MakeSockets() {
  const std::string name =
      "forkserver-attempts-" + std::string(targets_.secret, sizeof(targets_.secret));
  CopyText(name, targets_.abstract_name);
  const std::string abstract = std::string(1, '\0') + name;
  absl::Status status = Own(BindLoopback(SOCK_STREAM, targets_.tcp_port), tcp_);
  if (status.ok()) status = Own(BindLoopback(SOCK_DGRAM, targets_.udp_port), udp_);
  if (status.ok()) status = Own(BindLocal(SOCK_STREAM, abstract), abstract_);
  if (status.ok())
    status = Own(BindLocal(SOCK_DGRAM, abstract + "-datagrams"), abstract_datagrams_);
  if (status.ok()) status = Own(BindLocal(SOCK_STREAM, directory_ + "/socket"), path_);
  for (const UniqueFd* const socket : {&tcp_, &abstract_, &path_}) {
    if (status.ok()) status = Listen(*socket);
  }
  return status;
}

absl::Status HostTargets::MakeOthers() {
  terminal_master_.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal_master_.is_open()) return ErrnoStatus(errno, "posix_openpt");
  char name[64];
  if (unlockpt(terminal_master_.get()) != 0 ||
      ptsname_r(terminal_master_.get(), name, sizeof(name)) != 0) {
    return ErrnoStatus(errno, "unlockpt");
  }
  terminal_.reset(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!terminal_.is_open()) return ErrnoStatus(errno, std::string("open ") + name);
  termios raw = {};
  cfmakeraw(&raw);
  if (tcsetattr(terminal_.get(), TCSANOW, &raw) != 0) return ErrnoStatus(errno, "tcsetattr");
  targets_.terminal_fd = kTerminalNumber;

  console_.reset(open("/dev/tty0", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (console_.is_open()) targets_.console_fd = kConsoleNumber;

  mount_namespace_.reset(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!mount_namespace_.is_open()) return ErrnoStatus(errno, "open /proc/self/ns/mnt");
  targets_.namespace_fd = kNamespaceNumber;

  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  socket_.reset(pair[0]);
  socket_peer_.reset(pair[1]);
  targets_.socket_fd = kSocketNumber;

  targets_.shared_memory = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
  if (targets_.shared_memory < 0) return ErrnoStatus(errno, "shmget");
  void* const memory = shmat(targets_.shared_memory, nullptr, 0);
  const int error = errno;
  // From here on it lives as long as somebody is attached, and can be attached by its number.
  shmctl(targets_.shared_memory, IPC_RMID, nullptr);
  if (memory == reinterpret_cast<void*>(-1)) return ErrnoStatus(error, "shmat");
  shared_memory_ = memory;
  memcpy(memory, targets_.secret, kSecretBytes);

  utsname names = {};
  if (uname(&names) != 0) return ErrnoStatus(errno, "uname");
  CopyText(names.nodename, targets_.nodename);
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return ErrnoStatus(errno, "getrlimit RLIMIT_NOFILE");
  targets_.host_pid = getpid();
  targets_.memory_bytes = kMemoryBytes;
  targets_.threads = kThreads;
  targets_.children = kChildren;
  targets_.open_files = static_cast<uint32_t>(std::min<rlim_t>(kOpenFiles, files.rlim_cur / 2));
  return absl::OkStatus();
}

absl::Status HostTargets::StartSibling(const std::string& program) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  to_sibling_.reset(pair[0]);
  const UniqueFd siblings(pair[1]);
  const std::string_view secret(targets_.secret, kSecretBytes);
  std::string variable = "SECRET=" + std::string(secret);
  std::string name = "sibling";
  char* const argv[] = {name.data(), nullptr};
  char* const environment[] = {variable.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, siblings.get(), STDIN_FILENO);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, "posix_spawn " + program);
  absl::StatusOr<Process> process = Process::Adopt(pid);
  if (!process.ok()) return process.status();
  sibling_ = std::make_unique<Process>(*std::move(process));
  if (send(to_sibling_.get(), secret.data(), secret.size(), MSG_NOSIGNAL) < 0) {
    return ErrnoStatus(errno, "send to the sibling");
  }
  SiblingSelf self;
  const absl::Status answered = ReceiveFromSibling(to_sibling_, &self, sizeof(self));
  if (!answered.ok()) return answered;
  targets_.sibling_pid = pid;
  targets_.sibling_secret = self.secret;
  targets_.sibling_slate = self.slate;
  targets_.sibling_secret_fd = self.secret_fd;
  return absl::OkStatus();
}

std::vector<GivenDescriptor> HostTargets::descriptors() const {
  std::vector<GivenDescriptor> given = {{given_.get(), kGivenNumber},
                                        {terminal_.get(), kTerminalNumber},
                                        {mount_namespace_.get(), kNamespaceNumber},
                                        {socket_.get(), kSocketNumber}};
  if (console_.is_open()) given.push_back({console_.get(), kConsoleNumber});
  return given;
}

absl::Status HostTargets::MakeScratch() {
  const std::string scratch = directory_ + "/scratch";
  absl::Status status = MakeDirectory(scratch);
  if (status.ok()) status = MakeDirectory(scratch + "/folder");
  if (status.ok()) status = WriteFile(scratch + "/prey", std::string_view("prey"));
  return status;
}

void HostTargets::RemoveLeftovers() {
  const std::string scratch = directory_ + "/scratch";
  // What an attempt mounted and did not live to unmount must not be removed with the rest.
  while (umount2((scratch + "/folder").c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
  }
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  unlink((directory_ + "-beside").c_str());
  unlink((directory_ + "/given/new").c_str());
}

absl::Status HostTargets::Restore() {
  RemoveLeftovers();
  for (const UniqueFd* const listening : {&tcp_, &abstract_, &path_}) TakeConnections(*listening);
  for (const UniqueFd* const socket : {&udp_, &abstract_datagrams_}) TakeDatagrams(*socket);
  tcflush(terminal_.get(), TCIOFLUSH);
  const absl::Status made = MakeScratch();
  return made.ok() ? SiblingWasSignalled().status() : made;
}

absl::StatusOr<bool> HostTargets::SiblingWasSignalled() {
  if (send(to_sibling_.get(), "?", 1, MSG_NOSIGNAL) < 0) {
    return ErrnoStatus(errno, "send to the sibling");
  }
  char signalled = 0;
  const absl::Status answered = ReceiveFromSibling(to_sibling_, &signalled, 1);
  if (!answered.ok()) return answered;
  return signalled != 0;
}

}  // namespace forkserver::testing
