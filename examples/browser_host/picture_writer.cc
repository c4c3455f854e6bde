#include "examples/browser_host/picture_writer.h"

#include <pthread.h>

#include "forkserver/host/start_thread.h"

namespace browser_host {

PictureWriter::~PictureWriter() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::string PictureWriter::Add(std::string_view url, std::shared_ptr<const Picture> picture) {
  std::string name = folder_.NameFor(url);
  if (!HasThread()) {
    absl::Status written = folder_.Write(name, *picture);
    if (!written.ok()) failures_.push_back({name, std::move(written)});
    return name;
  }
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.size() < kMostWaiting; });
  waiting_.push_back({name, std::move(picture)});
  changed_.notify_all();
  return name;
}

std::vector<PictureWriter::Failure> PictureWriter::Finish() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !is_writing_; });
  return std::exchange(failures_, {});
}

bool PictureWriter::HasThread() {
  if (thread_.joinable()) return true;
  return forkserver::StartThread(
      [this] {
        pthread_setname_np(pthread_self(), "picture-writer");
        Run();
      },
      thread_);
}

void PictureWriter::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    is_writing_ = true;
    changed_.notify_all();
    lock.unlock();
    absl::Status written = folder_.Write(job.name, *job.picture);
    job.picture.reset();
    lock.lock();
    is_writing_ = false;
    if (!written.ok()) failures_.push_back({std::move(job.name), std::move(written)});
    changed_.notify_all();
  }
}

}  // namespace browser_host
