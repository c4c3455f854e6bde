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
//
// A disk that does not answer (a server of files that is gone) holds up whoever waits, but no
// longer than kGraceWhenStopped where StopWaitingWhen says that the program is to end. What is not
// written by then has failed, and the thread is left to itself.
#ifndef EXAMPLES_BROWSER_HOST_PICTURE_WRITER_H_
#define EXAMPLES_BROWSER_HOST_PICTURE_WRITER_H_

#include <stddef.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
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

  static constexpr absl::Duration kGraceWhenStopped = absl::Seconds(1);

  // Writes one, on any thread.
  using WriteOne = std::function<absl::Status(const std::string& name, const Picture& picture)>;

  explicit PictureWriter(PictureFolder folder);
  // With names of the folder's, and by other means.
  PictureWriter(PictureFolder folder, WriteOne write);
  PictureWriter(const PictureWriter&) = delete;
  PictureWriter& operator=(const PictureWriter&) = delete;
  ~PictureWriter();

  // Asked some times a second while a call here waits; borrowed until it is replaced. Empty, as it
  // is at first: waits as long as it takes.
  void StopWaitingWhen(std::function<bool()> is_stopped) { is_stopped_ = std::move(is_stopped); }

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

  // What both threads have; the writing one's as long as it runs.
  struct Shared {
    explicit Shared(WriteOne write_one) : write(std::move(write_one)) {}

    const WriteOne write;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> waiting;
    std::string writing;  // the name of the one that is; empty: none
    bool is_closed = false;
    std::vector<Failure> failures;
  };
  using Lock = std::unique_lock<std::mutex>;

  bool HasThread();
  static void Run(Shared& shared);
  // False: the program is to end first.
  bool WaitUntil(Lock& lock, const std::function<bool()>& is_so);
  bool WaitForAll(Lock& lock);

  PictureFolder folder_;  // whose names are the caller's, and files the thread's
  const std::shared_ptr<Shared> shared_;
  std::function<bool()> is_stopped_;
  bool is_given_up_ = false;  // the thread does not come back
  std::thread thread_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PICTURE_WRITER_H_
