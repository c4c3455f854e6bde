#include "bench/sampler.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/poll_until.h"

namespace bench {
namespace {

using forkserver::ErrnoStatus;
using forkserver::Process;
using forkserver::UniqueFd;

// 4 GiB of heap take half a minute on a busy machine.
constexpr absl::Duration kSetUpTimeout = absl::Minutes(3);
constexpr absl::Duration kSampleTimeout = absl::Seconds(60);
constexpr absl::Duration kEndTimeout = absl::Seconds(5);

constexpr char kSetUp[] = "ok";
constexpr char kError[] = "error: ";

// posix_spawnp: no fork, which would cost a process with much memory what it is about to measure.
absl::StatusOr<Process> Spawn(const std::vector<std::string>& argv, int stdio) {
  std::vector<char*> pointers;
  for (const std::string& text : argv) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdio, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, stdio, STDOUT_FILENO);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, argv[0].c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) return absl::UnavailableError(absl::StrCat("no program ", argv[0]));
  if (error != 0) return ErrnoStatus(error, "posix_spawnp " + argv[0]);
  return Process::Adopt(pid);
}

}  // namespace

Sampler::Sampler(std::string name, Process process, UniqueFd socket)
    : name_(std::move(name)), process_(std::move(process)), socket_(std::move(socket)) {}

Sampler::~Sampler() {
  socket_.reset();
  // One that does not end by itself is killed by its Process.
  (void)process_.Wait(kEndTimeout);
}

absl::StatusOr<std::unique_ptr<Sampler>> Sampler::Start(const std::vector<std::string>& argv) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  absl::StatusOr<Process> process = Spawn(argv, theirs.get());
  if (!process.ok()) return process.status();
  theirs.reset();
  std::unique_ptr<Sampler> sampler(new Sampler(argv[0], *std::move(process), std::move(ours)));
  const absl::StatusOr<std::string> line = sampler->ReadLine(kSetUpTimeout);
  if (!line.ok()) return line.status();
  if (*line != kSetUp) return absl::InternalError(absl::StrCat(argv[0], ": ", *line));
  return sampler;
}

absl::StatusOr<double> Sampler::Sample(const std::string& request) {
  const std::string line = request + "\n";
  // Nothing else is on its way, so a line goes out whole.
  if (send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) {
    return ErrnoStatus(errno, "send to " + name_);
  }
  const absl::StatusOr<std::string> answer = ReadLine(kSampleTimeout);
  if (!answer.ok()) return answer.status();
  char* end;
  const double value = strtod(answer->c_str(), &end);
  if (end == answer->c_str() || *end != '\0') {
    return absl::InternalError(absl::StrCat(name_, ": ", *answer));
  }
  return value;
}

absl::StatusOr<std::string> Sampler::ReadLine(absl::Duration timeout) {
  const int64_t deadline =
      forkserver::DeadlineAfter(forkserver::NowNanos(), absl::ToInt64Nanoseconds(timeout));
  for (;;) {
    if (const size_t end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    const int ready = forkserver::PollUntil(socket_.get(), POLLIN, deadline);
    if (ready < 0) return ErrnoStatus(-ready, "ppoll");
    if (ready == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat(name_, ": no answer for ", absl::FormatDuration(timeout)));
    }
    char bytes[256];
    const ssize_t size = read(socket_.get(), bytes, sizeof(bytes));
    if (size < 0) return ErrnoStatus(errno, "read from " + name_);
    if (size == 0) return absl::AbortedError(absl::StrCat(name_, ": ended"));
    unread_.append(bytes, static_cast<size_t>(size));
  }
}

absl::Status SharedSampler::Start() {
  if (sampler_ != nullptr) return absl::OkStatus();
  if (const Mebibytes available = AvailableMemory(); available.count < needs_.count) {
    return absl::UnavailableError(
        absl::StrFormat("needs %d MiB of memory, %d are available", needs_.count, available.count));
  }
  absl::StatusOr<std::unique_ptr<Sampler>> sampler = Sampler::Start(argv_);
  if (!sampler.ok()) return sampler.status();
  sampler_ = *std::move(sampler);
  return absl::OkStatus();
}

Row SampledBy(std::shared_ptr<SharedSampler> sampler, std::string request, Row row) {
  row.prepare = [sampler] { return sampler->Start(); };
  row.sample = [sampler, request = std::move(request)] { return sampler->Sample(request); };
  return row;
}

void AnswerRequests(
    const std::function<absl::StatusOr<double>(const std::string& request)>& answer) {
  std::cout << kSetUp << std::endl;
  for (std::string request; std::getline(std::cin, request);) {
    const absl::StatusOr<double> sample = answer(request);
    if (sample.ok()) {
      std::cout << absl::StrFormat("%.3f", *sample) << std::endl;
    } else {
      std::cout << kError << sample.status().message() << std::endl;
    }
  }
}

void RefuseRequests(const absl::Status& why) { std::cout << kError << why.message() << std::endl; }

}  // namespace bench
