// Writes pictures of pages on a thread of its own: to make a PNG file of one takes time, and on the
// loop's thread that would be taken from everybody's deadlines.
//
//     PictureWriter writer(*PictureFolder::Make("/tmp/pictures"));
//     std::string name = writer.Add("https://a.test/", picture);
//     ...
//     for (const PictureWriter::Failure& failure : writer.Finish()) { ... }
//
// Threads: one caller. Its own is made for the first picture and takes no signal; where there can
// be none, Add writes. Its end waits for what was added.
#ifndef EXAMPLES_BROWSER_HOST_PICTURE_WRITER_H_
#define EXAMPLES_BROWSER_HOST_PICTURE_WRITER_H_

#include <stddef.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "examples/browser_host/compose/picture.h"
#include "examples/browser_host/picture_folder.h"

namespace browser_host {

class PictureWriter {
 public:
  // Beside the one that is being written. Each is some megabytes of memory.
  static constexpr size_t kMostWaiting = 4;

  struct Failure {
    std::string name;
    absl::Status why;
  };

  explicit PictureWriter(PictureFolder folder) : folder_(std::move(folder)) {}
  PictureWriter(const PictureWriter&) = delete;
  PictureWriter& operator=(const PictureWriter&) = delete;
  ~PictureWriter();

  // The name that its file will have in the folder. Waits while kMostWaiting wait.
  std::string Add(std::string_view url, std::shared_ptr<const Picture> picture);

  // Waits until all files are written: those that could not be, in the order in which they were
  // added, of what was added since the last time.
  std::vector<Failure> Finish();

 private:
  struct Job {
    std::string name;
    std::shared_ptr<const Picture> picture;
  };

  bool HasThread();
  void Run();

  PictureFolder folder_;  // names are the caller's, files the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  bool is_writing_ = false;
  bool is_closed_ = false;
  std::vector<Failure> failures_;
  std::thread thread_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PICTURE_WRITER_H_
