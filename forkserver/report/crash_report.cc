#include "forkserver/report/crash_report.h"

#include <signal.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "forkserver/report/signal_text.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

std::string RecordedCause(const RecordedCrash& crash) {
  std::string text = SignalName(crash.signal);
  if (const std::string_view name = SignalCodeName(crash.signal, crash.code); !name.empty()) {
    absl::StrAppendFormat(&text, " (%s, %s)", std::string(name),
                          std::string(SignalCodeText(crash.signal, crash.code)));
  }
  if (HasAddress(crash)) absl::StrAppendFormat(&text, " at 0x%x", crash.address);
  if (crash.code > 0 && crash.signal == SIGSYS) {
    absl::StrAppendFormat(&text, ", system call %d", crash.syscall);
  }
  // As it sees its senders: 0 is one outside of its pid namespace.
  if (crash.code <= 0) absl::StrAppendFormat(&text, " by its pid %d", crash.sender);
  return text;
}

std::string CrashCause(const CrashReport& report) {
  const ExitStatus& status = report.end.status;
  if (const RefusedCall* const call = FatalCall(report.end)) {
    return absl::StrFormat("%s, by its sandbox for %s", SignalName(status.code), call->call);
  }
  if (report.record.crash == nullptr) return SignalName(status.code);
  std::string text = RecordedCause(*report.record.crash);
  // Its sandbox refused it the signal that it wanted to send itself, a thread that crashed beside
  // the recorded one was faster, or its handler crashed.
  if (status.code != report.record.crash->signal) {
    absl::StrAppendFormat(&text, "; it died of %s", SignalName(status.code));
  }
  return text;
}

// By whom else than the process itself.
std::string KilledCause(const FlightEnd& end) {
  return absl::StrFormat(
      "%s, which the host did not send%s", SignalName(end.status.code),
      end.status.code == SIGKILL ? ": the kernel's, for want of memory, or somebody's" : "");
}

// Of what its sandbox refused it, how much before its death.
constexpr int64_t kRefusalsNanos = kNanosPerSecond;

// Whoever has crashed says when; it may be reaped much later. Of whom the broker has killed it is
// known too, and of all others only that they are reaped.
int64_t TimeOfDeath(const FlightEnd& end, const CrashReport& report) {
  int64_t at = end.ended_at;
  if (report.record.crash != nullptr && IsCrashSignal(end.status.code)) {
    at = report.record.crash->at;
  } else if (const RefusedCall* const call = FatalCall(end)) {
    at = call->time;
  }
  return std::max(end.who.begun_at, std::min(at, end.ended_at));
}

}  // namespace

bool HasAddress(const RecordedCrash& crash) {
  return crash.code > 0 && crash.code != SI_KERNEL && crash.signal != SIGSYS &&
         crash.signal != SIGABRT;
}

const RefusedCall* FatalCall(const FlightEnd& end) {
  if (end.status.kind != ExitStatus::Kind::kKilled || end.status.code != SIGKILL) return nullptr;
  const auto last =
      std::find_if(end.refused.rbegin(), end.refused.rend(),
                   [](const RefusedCall& call) { return call.outcome == CallOutcome::kKilled; });
  return last != end.refused.rend() ? &*last : nullptr;
}

DeathKind KindOf(const FlightEnd& end, const CrashRecord& record) {
  if (end.status.kind == ExitStatus::Kind::kKilled) {
    if (FatalCall(end) != nullptr) return DeathKind::kCrash;
    const bool is_crash = IsCrashSignal(end.status.code);
    if (is_crash && (record.crash || !end.WasSent(end.status.code))) return DeathKind::kCrash;
    if (!end.missed_deadline.empty()) return DeathKind::kMissedDeadline;
    if (end.WasSent(end.status.code)) return DeathKind::kNoReport;
    return DeathKind::kKilled;
  }
  // It has lived through its crash (a handler of its own that went on), or was late all the same.
  return end.missed_deadline.empty() ? DeathKind::kNoReport : DeathKind::kMissedDeadline;
}

std::string_view DeathKindName(DeathKind kind) {
  switch (kind) {
    case DeathKind::kCrash:
      return "crash";
    case DeathKind::kKilled:
      return "killed";
    case DeathKind::kMissedDeadline:
      return "missed deadline";
    case DeathKind::kNoReport:
      break;
  }
  return "end";
}

CrashReport MakeCrashReport(FlightEnd end, StackTracer& tracer) {
  CrashReport report;
  report.why_no_record = end.why_no_record;
  if (end.record.is_open()) {
    absl::StatusOr<CrashRecord> record = ReadCrashRecord(end.record.get());
    if (record.ok()) {
      report.record = *std::move(record);
    } else {
      report.why_no_record = std::string(record.status().message());
    }
  }
  end.record.reset();
  report.kind = KindOf(end, report.record);
  end.ended_at = TimeOfDeath(end, report);
  report.at = absl::Now() - absl::Nanoseconds(NowNanos() - end.ended_at);
  report.uptime = absl::Nanoseconds(end.ended_at - end.who.begun_at);
  std::erase_if(end.refused,
                [&](const RefusedCall& call) { return call.time < end.ended_at - kRefusalsNanos; });
  // It may take a while to die.
  if (end.memory) end.memory->at = std::min(end.memory->at, end.ended_at);
  if (report.kind == DeathKind::kCrash && report.record.crash) {
    report.trace = tracer.Trace(*report.record.crash);
  }
  report.end = std::move(end);
  return report;
}

std::string CauseText(const CrashReport& report) {
  const FlightEnd& end = report.end;
  switch (report.kind) {
    case DeathKind::kCrash:
      return CrashCause(report);
    case DeathKind::kKilled:
      return KilledCause(end);
    case DeathKind::kMissedDeadline:
      return absl::StrFormat("%s; %s", end.missed_deadline, end.status.ToString());
    case DeathKind::kNoReport:
      break;
  }
  return end.status.ToString();
}

std::string WhyNoStack(const CrashReport& report) {
  if (report.kind != DeathKind::kCrash || report.record.crash) return "";
  if (FatalCall(report.end) != nullptr) return "it was killed from outside";
  if (!report.record.why_unwatched.empty()) return report.record.why_unwatched;
  if (!report.why_no_record.empty() || !report.record.was_mapped) {
    return "it had no flight record yet, or none at all";
  }
  return "its handler did not run: a stack overflow on a thread without a CrashStack, a signal "
         "that was blocked, or a handler of its own";
}

}  // namespace forkserver
