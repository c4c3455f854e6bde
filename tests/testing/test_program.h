// What the children of tests do, by their first argument:
//
//     exit N       ends with status N
//     raise N      raises signal N
//     report       sends one kReport: everything that it sees of itself (ReportOf reads it)
//     count        the same, for arguments and environment that are too large to send
//     echo         sends every application message back, descriptors included, until the host
//                  hangs up
//     wait         waits for the host to hang up
//     throw        lets an exception leave Run
//     say TEXT     prints a line on stdout
//     sleep        waits for a signal, and does not look at its channel
//     trace PID    traces that process, says so with an echo, and waits for the host to hang up
//     threads      creates threads that allocate and lock, joins them
//     exec TEXT    becomes a shell that runs it
//     flood        sends application messages until the host hangs up
#ifndef TESTS_TESTING_TEST_PROGRAM_H_
#define TESTS_TESTING_TEST_PROGRAM_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "child/child_program.h"
#include "forkserver/host/launch_options.h"
#include "transceiver/messages.h"

namespace forkserver::testing {

enum TestMessage : uint16_t {
  kReport = kFirstApplicationType,
  kEcho,
};

class TestProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

// Keys: pid, ppid, cwd, nice, name, title, argc, argv.N, env.NAME, fd.N (where its link in
// /proc/self/fd leads, with "+inherit" where it is not close-on-exec), nofile, core ("soft:hard"),
// death_signal, signal_mask, prefs, pref.NAME, generation, threads, owner_is_self.
using Report = std::map<std::string, std::string>;

// Waits for the report of a child that was launched with "report" or "count".
absl::StatusOr<Report> ReportOf(const LaunchedChild& child);

// The numbers of the child's descriptors, but for its launch socket.
std::string DescriptorNumbers(const Report& report);

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_TEST_PROGRAM_H_
