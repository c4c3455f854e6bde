#include "examples/browser_host/full_screen.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/write_all.h"

namespace browser_host {
namespace {

// ECMA-48, and xterm's private mode 1049: the alternate screen, and the cursor as it was.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";

// A terminal that is gone takes nothing, and nobody sees it.
void Write(std::string_view text) { forkserver::WriteAll(STDOUT_FILENO, text); }

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

TerminalSize SizeOfTerminal() {
  TerminalSize size;
  winsize told = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &told) != 0) return size;
  if (told.ws_col > 0) size.columns = told.ws_col;
  if (told.ws_row > 0) size.rows = told.ws_row;
  return size;
}

FullScreen::FullScreen(forkserver::EventLoop& loop, std::function<void(char key)> on_key,
                       std::function<void()> redraw)
    : loop_(loop), on_key_(std::move(on_key)), redraw_(std::move(redraw)) {
  sigset_t resize;
  sigemptyset(&resize);
  sigaddset(&resize, SIGWINCH);
  pthread_sigmask(SIG_BLOCK, &resize, &signals_before_);
  resized_.reset(signalfd(-1, &resize, SFD_CLOEXEC | SFD_NONBLOCK));
}

absl::StatusOr<std::unique_ptr<FullScreen>> FullScreen::Enter(forkserver::EventLoop& loop,
                                                              std::function<void(char key)> on_key,
                                                              std::function<void()> redraw) {
  std::unique_ptr<FullScreen> screen(new FullScreen(loop, std::move(on_key), std::move(redraw)));
  if (absl::Status watched = screen->Watch(); !watched.ok()) return watched;
  Write(kEnter);
  return screen;
}

absl::Status FullScreen::Watch() {
  if (!resized_.is_open()) return forkserver::ErrnoStatus(errno, "signalfd");
  const auto resize = loop_.Watch(resized_.get(), EPOLLIN, [this](uint32_t) {
    signalfd_siginfo info;
    if (read(resized_.get(), &info, sizeof(info)) == sizeof(info)) redraw_();
  });
  if (!resize.ok()) return resize.status();
  resize_watch_ = *resize;
  termios settings;
  if (tcgetattr(STDIN_FILENO, &settings) != 0) return absl::OkStatus();  // no terminal
  before_ = settings;
  settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  settings.c_cc[VSUSP] = _POSIX_VDISABLE;
  settings.c_cc[VQUIT] = _POSIX_VDISABLE;
  if (tcsetattr(STDIN_FILENO, TCSANOW, &settings) != 0) {
    before_.reset();
    return forkserver::ErrnoStatus(errno, "tcsetattr");
  }
  const auto keys = loop_.Watch(STDIN_FILENO, EPOLLIN, [this](uint32_t) { OnKeys(); });
  if (!keys.ok()) return keys.status();
  key_watch_ = *keys;
  return absl::OkStatus();
}

FullScreen::~FullScreen() {
  for (const forkserver::EventLoop::WatchId watch : {resize_watch_, key_watch_}) {
    if (watch != 0) loop_.Unwatch(watch);
  }
  if (before_) tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
  Write(kLeave);
  pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
}

void FullScreen::OnKeys() {
  char keys[64];
  const ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    // Nobody presses any more.
    loop_.Unwatch(std::exchange(key_watch_, 0));
    return;
  }
  std::string_view left(keys, static_cast<size_t>(got));
  const int page = static_cast<int>(page_);
  // What these keys send; longer ones first.
  const std::pair<std::string_view, int> scrolls[] = {{"\x1b[5~", -page}, {"\x1b[6~", page},
                                                      {"\x1b[A", -1},     {"\x1b[B", 1},
                                                      {"\x1bOA", -1},     {"\x1bOB", 1}};
  while (!left.empty()) {
    const auto found = std::find_if(std::begin(scrolls), std::end(scrolls), [&](const auto& one) {
      return left.substr(0, one.first.size()) == one.first;
    });
    if (found != std::end(scrolls)) {
      Scroll(found->second);
      left.remove_prefix(found->first.size());
      continue;
    }
    const char key = left.front();
    left.remove_prefix(1);
    on_key_(key);
  }
}

void FullScreen::Scroll(int lines) {
  const auto to = static_cast<ptrdiff_t>(scrolled_) + lines;
  scrolled_ = static_cast<size_t>(std::max<ptrdiff_t>(to, 0));
  redraw_();
}

void FullScreen::Draw(std::string_view text, size_t first_lines) {
  const TerminalSize size = SizeOfTerminal();
  std::vector<std::string_view> lines = LinesOf(text);
  first_lines = std::min({first_lines, lines.size(), size.rows});
  page_ = std::max<size_t>(size.rows - first_lines, 1);
  const size_t rest = lines.size() - first_lines;
  scrolled_ = std::min(scrolled_, rest > page_ ? rest - page_ : 0);
  lines.erase(lines.begin() + static_cast<ptrdiff_t>(first_lines),
              lines.begin() + static_cast<ptrdiff_t>(first_lines + scrolled_));
  if (lines.size() > size.rows) lines.resize(size.rows);
  std::string drawn(kHome);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) drawn += "\r\n";
    drawn += lines[i];
    // Behind a line that fills the row it would clear its last character.
    if (lines[i].size() < size.columns) drawn += kClearLine;
  }
  drawn += lines.size() < size.rows ? absl::StrFormat("\r\n%s", kClearBelow) : "";
  Write(drawn);
}

}  // namespace browser_host
