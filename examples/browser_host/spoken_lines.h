// What the host says to its user on stderr while it works, a line at a time.
//
// One write(2) for each line, so that those of several threads and processes do not mix on a pipe
// (up to PIPE_BUF bytes) or in a file that was opened to append. No line is dropped because nobody
// reads: whoever says one waits until stderr has room, since who runs the host with 2>&1 | less
// wants them all. (The library's own lines are another matter: transceiver/stderr_line.h.)
//
// While a table has the terminal (FullScreen) lines wait, since nobody could read them there, and
// are said when it is given back. Threads: any.
#ifndef EXAMPLES_BROWSER_HOST_SPOKEN_LINES_H_
#define EXAMPLES_BROWSER_HOST_SPOKEN_LINES_H_

#include <stddef.h>

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace browser_host {

class SpokenLines {
 public:
  // Of those that wait: older ones are dropped, and counted.
  static constexpr size_t kMostWaiting = 1000;

  // `line` is without its end.
  void Say(std::string_view line);
  // For ParentProcess: what it reports, said in this program's name. Borrows this.
  std::function<void(std::string_view line)> AsLog();

  void Hold();
  void LetGo();

 private:
  std::mutex mutex_;
  bool is_held_ = false;
  std::deque<std::string> waiting_;
  size_t dropped_ = 0;
};

// "wrote /tmp/gallery.html": of each file that a user has asked for, when it is whole.
std::string WroteLine(std::string_view path);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SPOKEN_LINES_H_
