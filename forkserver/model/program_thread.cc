#include "forkserver/model/program_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "forkserver/host/start_thread.h"
#include "transceiver/errno_status.h"
#include "transceiver/frame.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"

namespace forkserver {

absl::StatusOr<std::unique_ptr<ProgramThread>> ProgramThread::Start(Options options) {
  const std::string name(ProcessTypeName(options.type));
  auto started = absl::WrapUnique(new ProgramThread());
  SocketPair pair;
  if (const int error = CreateSocketPair(pair); error != 0) {
    return ErrnoStatus(error, absl::StrFormat("socketpair for the thread of %s", name));
  }
  // Before the thread has its end: what is sent earlier names nobody.
  if (const int error = TellSender(pair.first.get()); error != 0) {
    return ErrnoStatus(error, absl::StrFormat("setsockopt SO_PASSCRED for the thread of %s", name));
  }
  started->hang_up_.reset(fcntl(pair.first.get(), F_DUPFD_CLOEXEC, 3));
  if (!started->hang_up_.is_open()) {
    return ErrnoStatus(errno, absl::StrFormat("fcntl for the thread of %s", name));
  }
  started->end_.reset(eventfd(0, EFD_CLOEXEC));
  if (!started->end_.is_open()) {
    return ErrnoStatus(errno, absl::StrFormat("eventfd for the thread of %s", name));
  }
  started->socket_ = std::move(pair.first);
  auto body = [thread = started.get(), options = std::move(options),
               socket = std::move(pair.second)]() mutable {
    thread->Run(options, std::move(socket));
  };
  if (!StartThread(std::move(body), started->thread_)) {
    return ErrnoStatus(EAGAIN, absl::StrFormat("pthread_create for %s", name));
  }
  return started;
}

ProgramThread::~ProgramThread() {
  if (!thread_.joinable()) return;
  HangUp();
  Join();
}

void ProgramThread::HangUp() { shutdown(hang_up_.get(), SHUT_RDWR); }

int ProgramThread::Join() {
  if (!thread_.joinable()) return -1;
  thread_.join();
  return exit_status_;
}

void ProgramThread::Run(Options& options, UniqueFd socket) {
  pthread_setname_np(pthread_self(), std::string(ProcessTypeName(options.type)).c_str());
  std::vector<char*> argv;
  for (std::string& argument : options.argv) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  MiniTransceiver channel(std::move(socket), buffer);
  const ReadyMessage ready = {.build_id = options.build_id, .pid = getpid()};
  const SandboxReport no_sandbox;
  PageRecorder recorder(nullptr);
  ChildContext context = {.type = options.type,
                          .argv = std::span(argv).first(argv.size() - 1),
                          .channel = channel,
                          .prefs = options.prefs,
                          .ready = ready,
                          .recorder = recorder,
                          .sandbox = no_sandbox};
  {
    const std::unique_ptr<ChildProgram> program = options.program();
    exit_status_ = program->Run(context);
  }
  eventfd_write(end_.get(), 1);
}

}  // namespace forkserver
