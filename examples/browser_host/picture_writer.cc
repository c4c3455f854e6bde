#include "examples/browser_host/picture_writer.h"

#include <pthread.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "forkserver/host/start_thread.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks(50);

absl::Status NotWritten(const std::string& name) {
  return absl::CancelledError(absl::StrCat("write ", name, ": not done when it was to stop"));
}

}  // namespace

PictureWriter::PictureWriter(PictureFolder folder)
    : PictureWriter(folder, [folder](const std::string& name, const Picture& picture) {
        return folder.Write(name, picture);
      }) {}

PictureWriter::PictureWriter(PictureFolder folder, WriteOne write)
    : folder_(std::move(folder)), shared_(std::make_shared<Shared>(std::move(write))) {}

PictureWriter::~PictureWriter() {
  {
    Lock lock(shared_->mutex);
    if (!is_given_up_) WaitForAll(lock);
    shared_->is_closed = true;
    shared_->changed.notify_all();
  }
  if (!thread_.joinable()) return;
  if (is_given_up_) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

std::string PictureWriter::Add(std::string_view url, std::shared_ptr<const Picture> picture) {
  std::string name = folder_.NameFor(url);
  if (!is_given_up_ && !HasThread()) {
    absl::Status written = shared_->write(name, *picture);
    if (!written.ok()) shared_->failures.push_back({name, std::move(written)});
    return name;
  }
  Lock lock(shared_->mutex);
  const bool has_room =
      !is_given_up_ && WaitUntil(lock, [this] { return shared_->waiting.size() < kMostWaiting; });
  if (has_room) {
    shared_->waiting.push_back({name, std::move(picture)});
    shared_->changed.notify_all();
  } else {
    shared_->failures.push_back({name, NotWritten(name)});
  }
  return name;
}

std::vector<PictureWriter::Failure> PictureWriter::Finish() {
  Lock lock(shared_->mutex);
  if (!is_given_up_) WaitForAll(lock);
  return std::exchange(shared_->failures, {});
}

bool PictureWriter::WaitForAll(Lock& lock) {
  const bool are_done =
      WaitUntil(lock, [this] { return shared_->waiting.empty() && shared_->writing.empty(); });
  if (are_done) return true;
  is_given_up_ = true;
  if (!shared_->writing.empty()) {
    shared_->failures.push_back({shared_->writing, NotWritten(shared_->writing)});
  }
  for (const Job& job : std::exchange(shared_->waiting, {})) {
    shared_->failures.push_back({job.name, NotWritten(job.name)});
  }
  return false;
}

bool PictureWriter::WaitUntil(Lock& lock, const std::function<bool()>& is_so) {
  if (!is_stopped_) {
    shared_->changed.wait(lock, is_so);
    return true;
  }
  int64_t end = 0;  // 0: it is not to stop
  while (!shared_->changed.wait_for(lock, kBetweenLooks, is_so)) {
    if (!is_stopped_()) continue;
    const int64_t now = forkserver::NowNanos();
    if (end == 0) end = now + absl::ToInt64Nanoseconds(kGraceWhenStopped);
    if (now >= end) return false;
  }
  return true;
}

bool PictureWriter::HasThread() {
  if (thread_.joinable()) return true;
  return forkserver::StartThread(
      [shared = shared_] {
        pthread_setname_np(pthread_self(), "picture-writer");
        Run(*shared);
      },
      thread_);
}

void PictureWriter::Run(Shared& shared) {
  Lock lock(shared.mutex);
  for (;;) {
    shared.changed.wait(lock, [&shared] { return shared.is_closed || !shared.waiting.empty(); });
    if (shared.waiting.empty()) return;
    Job job = std::move(shared.waiting.front());
    shared.waiting.pop_front();
    shared.writing = job.name;
    shared.changed.notify_all();
    lock.unlock();
    absl::Status written = shared.write(job.name, *job.picture);
    job.picture.reset();
    lock.lock();
    shared.writing.clear();
    if (!written.ok()) shared.failures.push_back({std::move(job.name), std::move(written)});
    shared.changed.notify_all();
  }
}

}  // namespace browser_host
