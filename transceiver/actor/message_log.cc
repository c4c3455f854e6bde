#include "transceiver/actor/message_log.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "absl/memory/memory.h"
#include "transceiver/clock.h"
#include "transceiver/stderr_line.h"

namespace forkserver {
namespace {

constexpr char kVariable[] = "FORKSERVER_IPC_LOG";

// As it was when it was first asked for; never destroyed, since actors may outlive main.
const std::string& Wanted() {
  static const std::string* const wanted = [] {
    const char* const value = getenv(kVariable);
    return new std::string(value != nullptr ? value : "");
  }();
  return *wanted;
}

std::string_view WithoutSpaces(std::string_view name) {
  while (name.starts_with(' ')) name.remove_prefix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  return name;
}

bool IsNameOf(std::string_view name, std::string_view protocol, std::string_view side) {
  return name.size() == 1 + protocol.size() + side.size() && name.starts_with('P') &&
         name.substr(1).starts_with(protocol) && name.ends_with(side);
}

bool IsWanted(std::string_view protocol, std::string_view side) {
  std::string_view rest = Wanted();
  for (;;) {
    const size_t comma = rest.find(',');
    const std::string_view name = WithoutSpaces(rest.substr(0, comma));
    if (name == "1" || name == "all" || IsNameOf(name, protocol, side)) return true;
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
}

std::atomic<int32_t> told_own_pid = 0;
// Of which process it was told: what this one has forked has another.
std::atomic<int32_t> told_to = 0;

int32_t OwnPid() {
  const int32_t own = getpid();
  const int32_t told = told_own_pid.load(std::memory_order_relaxed);
  return told != 0 && told_to.load(std::memory_order_relaxed) == own ? told : own;
}

std::string_view Prefix(LoggedItem::Kind kind) {
  switch (kind) {
    case LoggedItem::Kind::kMessage:
      return "Msg_";
    case LoggedItem::Kind::kReply:
      return "Reply_";
    case LoggedItem::Kind::kReject:
      return "Reject_";
    case LoggedItem::Kind::kControl:
      return "";
  }
  return "";
}

}  // namespace

// Built up in place; what does not fit is cut.
class MessageLog::Line {
 public:
  Line& Text(std::string_view text) {
    const size_t taken = std::min(text.size(), sizeof(bytes_) - 1 - size_);
    memcpy(bytes_ + size_, text.data(), taken);
    size_ += taken;
    return *this;
  }
  Line& Number(uint64_t number) {
    char digits[20];
    char* const end = digits + sizeof(digits);
    char* first = end;
    do {
      *--first = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return Text({first, static_cast<size_t>(end - first)});
  }
  Line& Pid(int32_t pid) { return pid > 0 ? Number(static_cast<uint64_t>(pid)) : Text("?"); }
  // A peer may have had a say in it.
  Line& Escaped(std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 0x20 && byte < 0x7f) {
        Text({&c, 1});
      } else {
        const char escape[] = {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xf]};
        Text({escape, sizeof(escape)});
      }
    }
    return *this;
  }
  void Write() {
    bytes_[size_] = '\n';
    WriteStderrLine({bytes_, size_ + 1});
  }

 private:
  char bytes_[kMostStderrLineBytes];
  size_t size_ = 0;
};

bool MessageLog::IsOn() { return !Wanted().empty(); }

std::unique_ptr<MessageLog> MessageLog::ForActorThatMayBeNamed(std::string_view protocol,
                                                               std::string_view side) {
  return IsWanted(protocol, side) ? absl::WrapUnique(new MessageLog(protocol, side)) : nullptr;
}

void MessageLog::TellOwnPid(int32_t pid) {
  told_own_pid.store(pid, std::memory_order_relaxed);
  told_to.store(getpid(), std::memory_order_relaxed);
}

MessageLog::Line MessageLog::Begin(bool is_outgoing) const {
  Line line;
  line.Text("[time: ").Number(static_cast<uint64_t>(NowNanos()) / 1000).Text("][");
  line.Pid(OwnPid()).Text(is_outgoing ? "->" : "<-").Pid(peer_pid_);
  line.Text("] [P").Text(protocol_).Text(side_).Text("] ");
  return line;
}

void MessageLog::Write(Event event, const LoggedItem& item, std::string_view why) const {
  const bool is_answer =
      item.kind == LoggedItem::Kind::kReply || item.kind == LoggedItem::Kind::kReject;
  Line line = Begin(event == Event::kSending || event == Event::kLostOnTheWayOut);
  switch (event) {
    case Event::kSending:
      line.Text(is_answer ? "Sending reply " : "Sending  ");
      break;
    case Event::kReceived:
      line.Text(is_answer ? "Received reply " : "Received  ");
      break;
    case Event::kLostOnTheWayOut:
    case Event::kLostOnTheWayIn:
      line.Text("Lost ");
      break;
  }
  line.Text("P").Text(protocol_).Text("::").Text(Prefix(item.kind));
  if (item.name.empty()) {
    line.Text("#").Number(item.number);
  } else {
    line.Text(item.name);
  }
  if (!why.empty()) line.Text(": ").Escaped(why);
  line.Write();
}

void MessageLog::WriteEnd(std::string_view why) const {
  Begin(false).Text("Ended  P").Text(protocol_).Text(": ").Escaped(why).Write();
}

}  // namespace forkserver
