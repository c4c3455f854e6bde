// A terminal that shows one page of text, redrawn as a whole, and gives back what was there before.
//
//     auto screen = FullScreen::Enter(loop, [&](char key) { ... }, [&] { Redraw(); });
//     (*screen)->Draw(text);                  // as many of its lines as there are rows
//
// Uses the alternate screen, and reads keys as they are pressed, without an echo. Ctrl-C is a
// signal still; Ctrl-Z and Ctrl-\ are keys like others, since nobody would restore the terminal
// after them. Up and down, Page Up and Page Down scroll, and are not told.
//
// Threads: the loop's, which is borrowed. Others must have SIGWINCH blocked, or as it is by
// default.
#ifndef EXAMPLES_BROWSER_HOST_FULL_SCREEN_H_
#define EXAMPLES_BROWSER_HOST_FULL_SCREEN_H_

#include <signal.h>
#include <stddef.h>
#include <termios.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct TerminalSize {
  size_t columns = 80;
  size_t rows = 24;
};

// Of stdout; as above where it does not say.
TerminalSize SizeOfTerminal();

class FullScreen {
 public:
  // stdout is a terminal; keys come where stdin is one. `redraw` is called when the size has
  // changed, or what is seen of the text.
  static absl::StatusOr<std::unique_ptr<FullScreen>> Enter(forkserver::EventLoop& loop,
                                                           std::function<void(char key)> on_key,
                                                           std::function<void()> redraw);
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;
  // Restores the terminal.
  ~FullScreen();

  // The first lines always, the others as far as they were scrolled to. The text has no control
  // character but newlines, and no line that is wider than the terminal.
  void Draw(std::string_view text, size_t first_lines);

 private:
  FullScreen(forkserver::EventLoop& loop, std::function<void(char key)> on_key,
             std::function<void()> redraw);
  absl::Status Watch();
  void OnKeys();
  void Scroll(int lines);

  forkserver::EventLoop& loop_;
  const std::function<void(char key)> on_key_;
  const std::function<void()> redraw_;
  std::optional<termios> before_;  // of stdin
  sigset_t signals_before_;
  forkserver::UniqueFd resized_;  // a signalfd
  forkserver::EventLoop::WatchId resize_watch_ = 0;
  forkserver::EventLoop::WatchId key_watch_ = 0;
  size_t scrolled_ = 0;
  size_t page_ = 1;  // lines that are scrolled through
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FULL_SCREEN_H_
