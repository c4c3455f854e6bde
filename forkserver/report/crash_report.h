// The report of one death: what the host knows, what the process has left, and its stack by name.
//
//     const CrashReport report = MakeCrashReport(std::move(end), tracer);
//     std::string text = ToText(report);      // for people
//     std::string json = ToJson(report);      // for programs: docs/crash-reports.md has the keys
//
// Texts of the dead process are by its own word, and may hold any bytes: what is not printable in
// them is escaped, so that a line is a line and JSON is JSON.
#ifndef FORKSERVER_REPORT_CRASH_REPORT_H_
#define FORKSERVER_REPORT_CRASH_REPORT_H_

#include <stdint.h>

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/report/crash_record.h"
#include "forkserver/report/stack_trace.h"

namespace forkserver {

enum class DeathKind : uint8_t {
  // Of a signal of a crash's, that its handler recorded or the host did not send; or its sandbox
  // killed it for a call.
  kCrash,
  kKilled,          // of another that the host did not send: the kernel's for memory, a person's
  kMissedDeadline,  // by the host, since it was late
  kNoReport,        // it ended well, or as the host wanted
};

// A record that has a crash is believed where the status is a crash's too: it may be of one that
// the process has lived through.
DeathKind KindOf(const FlightEnd& end, const CrashRecord& record);
// The call that its sandbox killed it for, in `end`; null: it did not.
const RefusedCall* FatalCall(const FlightEnd& end);
std::string_view DeathKindName(DeathKind kind);

struct CrashReport {
  std::string id = {};  // unique in its folder, and its files' name
  DeathKind kind = DeathKind::kNoReport;
  absl::Time at = {};
  absl::Duration uptime = {};  // from when it was asked for
  // Its record is closed, `ended_at` is when it died, as far as that is known (`at` too), and
  // `refused` of the second before that.
  FlightEnd end = {};
  CrashRecord record = {};
  std::string why_no_record = {};
  StackTrace trace = {};
};

// Whether the record has the address that the signal was raised for.
bool HasAddress(const RecordedCrash& crash);

// Takes the file of the record away.
CrashReport MakeCrashReport(FlightEnd end, StackTracer& tracer);

// "SIGSEGV (SEGV_MAPERR, address not mapped) at 0x10", "SIGKILL, which the host did not send".
std::string CauseText(const CrashReport& report);

// Of a crash that has not been recorded; empty: it has, or it is none.
std::string WhyNoStack(const CrashReport& report);

std::string ToText(const CrashReport& report);
std::string ToJson(const CrashReport& report);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_CRASH_REPORT_H_
