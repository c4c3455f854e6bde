#include "examples/browser_host/child_programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <string>
#include <variant>

#include "examples/browser_host/page_protocol.h"
#include "examples/browser_host/page_summary.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

constexpr size_t kMaxPageBytes = 64 * 1024 * 1024;

// Returns why the page cannot be read, or an empty text.
std::string ReadPage(int fd, std::string& html) {
  char chunk[65536];
  for (;;) {
    const ssize_t size = read(fd, chunk, sizeof(chunk));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return "read: " + forkserver::ErrnoName(errno);
    if (size == 0) return {};
    html.append(chunk, static_cast<size_t>(size));
    if (html.size() > kMaxPageBytes) return "read: larger than 64 MiB";
  }
}

forkserver::UniqueFd OpenByName(const forkserver::Packet& packet) {
  const std::string path(packet.payload().begin(), packet.payload().end());
  return forkserver::UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

void AppendEscaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += c;
    }
  }
}

struct ValueText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int32_t value) const { return std::to_string(value); }
  std::string operator()(std::string_view value) const {
    std::string text;
    AppendEscaped(value, text);
    return text;
  }
};

}  // namespace

int ContentProgram::Run(forkserver::ChildContext& context) {
  for (;;) {
    switch (context.channel.Receive()) {
      case forkserver::ReceiveOutcome::kMessage:
        break;
      case forkserver::ReceiveOutcome::kClosed:
        return 0;
      default:
        return 1;
    }
    forkserver::Packet& packet = context.channel.packet();
    if (packet.frame().type != kOpenPage || packet.descriptors().size() > 1) return 1;
    const forkserver::UniqueFd file =
        packet.descriptors().size() == 1 ? packet.descriptors().Take(0) : OpenByName(packet);
    std::string html;
    const std::string error = file.is_open() ? ReadPage(file.get(), html)
                                             : "open by content: " + forkserver::ErrnoName(errno);
    const PageSummary summary = error.empty() ? SummarizePage(html) : PageSummary();
    if (SendSummary(context.channel, summary, error) != 0) return 0;  // the host is gone
  }
}

int PrintPrefsProgram::Run(forkserver::ChildContext& context) {
  for (size_t i = 0; i < context.prefs.size(); ++i) {
    const forkserver::PrefEntry entry = context.prefs.at(i);
    std::string line;
    AppendEscaped(entry.name, line);
    line += '\t';
    line += forkserver::PrefTypeName(entry.type);
    line += '\t';
    line += std::visit(ValueText(), entry.effective());
    line += '\n';
    if (fwrite(line.data(), 1, line.size(), stdout) != line.size()) return 1;
  }
  return fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace browser_host
