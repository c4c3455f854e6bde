#include "tests/faults/asked_and_given.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/faults/seam.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver::testing {
namespace {

// While it lives, no fault happens to the host and none of its calls is seen.
class PastTheSeam {
 public:
  PastTheSeam() { SetRole(Role::kNobody); }
  PastTheSeam(const PastTheSeam&) = delete;
  PastTheSeam& operator=(const PastTheSeam&) = delete;
  ~PastTheSeam() { SetRole(Role::kHost); }
};

std::string LinkOf(int fd) {
  char target[256];
  const ssize_t size =
      readlink(absl::StrFormat("/proc/self/fd/%d", fd).c_str(), target, sizeof(target));
  return std::string(target, static_cast<size_t>(std::max<ssize_t>(size, 0)));
}

std::string LinkOf(const Stdio& stdio, int number) {
  if (stdio.kind == Stdio::Kind::kNull) return "/dev/null";
  return LinkOf(stdio.kind == Stdio::Kind::kInherit ? number : stdio.fd);
}

void SetVariable(Report& variables, const std::string& text) {
  const size_t equals = text.find('=');
  variables["env." + text.substr(0, equals)] = text.substr(equals + 1);
}

// Of the host's environment, which is the template's, and of what was asked for.
Report Environment(const LaunchOptions& asked) {
  Report variables;
  for (char** entry = environ; *entry != nullptr; ++entry) SetVariable(variables, *entry);
  for (const std::string& name : asked.unset_environment) variables.erase("env." + name);
  for (const std::string& text : asked.set_environment) SetVariable(variables, text);
  return variables;
}

// What the child's report is to say, but for its pid and the number of its launch socket.
Report Expected(const LaunchOptions& asked, const PrefsGeneration& prefs) {
  Report report = Environment(asked);
  report["variables"] = std::to_string(report.size());
  report["argc"] = std::to_string(asked.argv.size());
  for (size_t i = 0; i < asked.argv.size(); ++i) report[absl::StrCat("argv.", i)] = asked.argv[i];
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    report[absl::StrCat("fd.", number)] =
        LinkOf(asked.stdio[static_cast<size_t>(number)], number) + "+inherit";
  }
  for (const DescriptorMapping& one : asked.descriptors) {
    report[absl::StrCat("fd.", one.target)] =
        LinkOf(one.fd) + (one.on_exec == OnExec::kInherit ? "+inherit" : "");
  }
  report["ppid"] = std::to_string(getpid());
  report["cwd"] = asked.working_directory;
  report["nice"] = std::to_string(asked.nice.value_or(0));
  report["name"] = asked.name;
  report["title"] = asked.title;
  for (const ResourceLimit& limit : asked.limits) {
    report[limit.resource == RLIMIT_CORE ? "core" : "nofile"] =
        absl::StrFormat("%d:%d", limit.soft, limit.hard);
  }
  report["death_signal"] = std::to_string(asked.parent_death_signal);
  report["signal_mask"] = "0";
  report["generation"] = std::to_string(prefs.number);
  report["pref.test.a"] = prefs.fd != nullptr ? "1" : "-1";
  report["threads"] = "1";
  report["owner_is_self"] = "yes";
  return report;
}

std::string DifferenceOfDescriptors(const LaunchOptions& asked, const Report& report) {
  std::vector<int> numbers = {0, 1, 2};
  for (const DescriptorMapping& one : asked.descriptors) numbers.push_back(one.target);
  std::sort(numbers.begin(), numbers.end());
  std::string wanted;
  for (const int number : numbers) {
    absl::StrAppend(&wanted, wanted.empty() ? "" : " ", number);
  }
  const std::string there = DescriptorNumbers(report);
  return there == wanted ? "" : absl::StrFormat(" its descriptors are %s, not %s;", there, wanted);
}

// The child sends back what it was sent first.
std::string DifferenceOfFirstPacket(const LaunchOptions& asked, const LaunchedChild& given) {
  const FirstPacket& first = asked.first_packets[0];
  // What the socket had no room for is the caller's to send.
  if (given.first_packets_sent == 0 && SendPacket(given.socket.get(), Blocking::kWait, first.frame,
                                                  first.payload, first.descriptors) != 0) {
    return " its first packet cannot be sent;";
  }
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  Packet packet(buffer);
  if (ReceivePacket(given.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return " it sent nothing back;";
  }
  const bool is_same = packet.frame().type == first.frame.type &&
                       std::ranges::equal(packet.payload(), first.payload) &&
                       packet.descriptors().size() == first.descriptors.size() &&
                       LinkOf(packet.descriptors().get(0)) == LinkOf(first.descriptors[0]);
  if (!is_same) return " its first packet was another one;";
  const pid_t sender = asked.senders == Senders::kTold ? given.process.pid() : 0;
  return packet.sender_pid() == sender
             ? ""
             : absl::StrFormat(" its packet's sender is %d;", packet.sender_pid());
}

}  // namespace

std::string DifferenceTo(const LaunchOptions& asked, const PrefsGeneration& prefs,
                         bool knows_its_id, const LaunchedChild& given) {
  const PastTheSeam past;
  const absl::StatusOr<Report> report = ReportOf(given);
  if (!report.ok()) return absl::StrFormat(" %s;", report.status().message());
  std::string text;
  Report expected = Expected(asked, prefs);
  if (!knows_its_id) expected.erase("owner_is_self");
  for (const auto& [key, value] : expected) {
    const auto there = report->find(key);
    const std::string said = there != report->end() ? there->second : "missing";
    if (said != value) absl::StrAppendFormat(&text, " %s is %s, not %s;", key, said, value);
  }
  return text + DifferenceOfDescriptors(asked, *report) + DifferenceOfFirstPacket(asked, given);
}

}  // namespace forkserver::testing
