#include "tests/forkserver/launcher/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

namespace forkserver::testing {
namespace {

constexpr int kPatienceMillis = 30'000;

}  // namespace

Terminal::Terminal() : user_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  if (!user_.is_open() || grantpt(user_.get()) != 0 || unlockpt(user_.get()) != 0) abort();
}

std::string Terminal::name() const { return ptsname(user_.get()); }

void Terminal::Type(const std::string& text) {
  ASSERT_EQ(write(user_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

::testing::AssertionResult Terminal::Shows(const std::string& text, std::string* before) {
  size_t at = shown_.find(text);
  for (; at == std::string::npos; at = shown_.find(text)) {
    pollfd readable = {.fd = user_.get(), .events = POLLIN, .revents = 0};
    char bytes[1024];
    const ssize_t size =
        poll(&readable, 1, kPatienceMillis) == 1 ? read(user_.get(), bytes, sizeof(bytes)) : 0;
    if (size <= 0) {
      return ::testing::AssertionFailure() << "not shown: " << text << "\nbut: " << shown_;
    }
    shown_.append(bytes, static_cast<size_t>(size));
  }
  if (before != nullptr) *before = shown_.substr(0, at);
  shown_.erase(0, at + text.size());
  return ::testing::AssertionSuccess();
}

}  // namespace forkserver::testing
