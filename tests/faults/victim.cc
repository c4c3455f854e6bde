// The host that the faults happen to. It runs one scenario over and over, from Start to the
// destruction of the server:
//
//     victim SCENARIO [first [last]]
//
// First without a fault, to see which calls there are, from where and by whom; then with each of
// them failing once, with each error of its row; or, where a victim before it has listed them and
// died, from the first that was not tried. What it finds is in the seam's shared memory. A fault
// that takes more than kRoundSeconds in one round ends it by SIGKILL.
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/host/self_exec.h"
#include "tests/faults/census.h"
#include "tests/faults/round.h"
#include "tests/faults/scenario_folder.h"
#include "tests/faults/scenarios.h"
#include "tests/faults/seam.h"
#include "tests/faults/told.h"

namespace forkserver::testing {
namespace {

// A template that is silent is waited for, for five seconds.
constexpr int kRoundSeconds = 20;
// What is seen by chance is seen in one of so many rounds.
constexpr int kRoundsWithoutFault = 4;
// A fault that does not happen is tried so many times: one that a race leads to in one round of
// kRoundsWithoutFault does not happen in any of them one time in seventy.
constexpr int kTries = 15;
// What grows each time is lost; what grows once may be kept.
constexpr int kRepeats = 4;
// The children of a scenario that no fault disturbs.
constexpr char kScenarioVariable[] = "FORKSERVER_FAULTS_SCENARIO";

struct Outcome {
  bool fired = false;
  bool started = false;
  std::vector<Round::Step> steps;
  std::string wrong;  // empty: all is well
};

// Ends this process where a round does not end. Not by alarm(2), whose signal can be blocked: a
// mask that could not be restored blocks all that can be.
class RoundClock {
 public:
  RoundClock() {
    sigevent end = {};
    end.sigev_notify = SIGEV_SIGNAL;
    end.sigev_signo = SIGKILL;
    if (timer_create(CLOCK_MONOTONIC, &end, &timer_) != 0) abort();
  }
  RoundClock(const RoundClock&) = delete;
  RoundClock& operator=(const RoundClock&) = delete;
  ~RoundClock() { timer_delete(timer_); }

  void Start() { Set(kRoundSeconds); }
  void Stop() { Set(0); }

 private:
  void Set(time_t seconds) {
    const itimerspec when = {.it_interval = {}, .it_value = {.tv_sec = seconds, .tv_nsec = 0}};
    timer_settime(timer_, 0, &when, nullptr);
  }

  timer_t timer_;
};

// Nothing is blocked, whatever the last fault has left.
void RestoreSignalMask() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

class Victim {
 public:
  Victim(const Scenario& scenario, int argc, char** argv)
      : scenario_(scenario), argc_(argc), argv_(argv) {}

  // One round; `fault` happens in it, or does not. Made from one place, so that the places of calls
  // are the same in each.
  [[gnu::noinline]] Outcome Run(const Fault* fault) {
    EndSitesHere();
    RestoreSignalMask();
    clock_.Start();
    Outcome outcome = RunRound(fault);
    clock_.Stop();
    return outcome;
  }

  void ListFaults();
  void Try(TriedFault& tried);

 private:
  // Rounds until it happens, or kTries of them.
  Outcome RunUntilItFires(const Fault& fault) {
    Outcome outcome;
    for (int i = 0; i < kTries && !outcome.fired; ++i) outcome = Run(&fault);
    return outcome;
  }

  [[gnu::noinline]] Outcome RunRound(const Fault* fault) {
    FaultSeam& seam = TheFaultSeam();
    Outcome outcome;
    Round round = {.argc = argc_, .argv = argv_};
    StartOptions options = scenario_.options();
    const auto begin = [&] {
      if (fault != nullptr) seam.Arm(*fault);
      seam.mode.store(SeamMode::kWatching);
    };
    if (scenario_.prepare == nullptr) begin();
    {
      absl::StatusOr<std::unique_ptr<ForkServer>> server =
          ForkServer::Start(argc_, argv_, std::move(options));
      outcome.started = round.Note("start", server.status());
      if (outcome.started) {
        std::vector<Template> templates;
        if (scenario_.prepare != nullptr) {
          scenario_.prepare(**server, round);
          templates = WaitUntilSteady(**server);
          begin();
        }
        scenario_.run(**server, round);
        if (seam.armed.load() == FaultSeam::Armed::kFired) {
          if (absl::Status next = LaunchFromAll(**server); !next.ok()) {
            outcome.wrong = absl::StrFormat("the next launch: %s", next.message());
          }
        }
        if ((*server)->in_flight() > 0) SettleDown(**server, outcome);
        // Past the end of what is watched, so that what looking at them calls is not.
        if (scenario_.prepare != nullptr) seam.mode.store(SeamMode::kOff);
        outcome.wrong += WaitUntilUnchanged(**server, templates);
        if (fault != nullptr && !MayEndTemplate(*fault)) outcome.wrong += Lost(**server, templates);
      }
    }
    seam.mode.store(SeamMode::kOff);
    outcome.fired = seam.Disarm();
    outcome.steps = std::move(round.steps);
    outcome.wrong += round.wrong;
    return outcome;
  }

  struct Template {
    std::string name;
    ProcessView view;
  };

  static std::vector<Template> LookAtTemplates(const ForkServer& server) {
    std::vector<Template> templates;
    for (const TemplateStatus& one : server.templates()) {
      if (one.state != TemplateStatus::State::kServing || !one.pid) continue;
      templates.push_back({.name = one.name, .view = LookAt(*one.pid)});
      if (templates.back().view.descriptors.empty()) abort();  // nothing would be compared
    }
    return templates;
  }

  // A child may be Ready before its template has closed what it forked it with.
  static std::vector<Template> WaitUntilSteady(ForkServer& server) {
    std::vector<Template> templates = LookAtTemplates(server);
    for (int i = 0; i < 100; ++i) {
      server.Dispatch(absl::Milliseconds(2));
      const std::vector<Template> last = std::exchange(templates, LookAtTemplates(server));
      const bool is_steady = std::equal(templates.begin(), templates.end(), last.begin(),
                                        last.end(), [](const Template& now, const Template& then) {
                                          return now.view.DifferenceTo(then.view).empty();
                                        });
      if (is_steady) break;
    }
    return templates;
  }

  // What is wrong with those that live on.
  static std::string WaitUntilUnchanged(ForkServer& server, const std::vector<Template>& before) {
    std::string wrong;
    for (int i = 0; i < 100; ++i) {
      wrong.clear();
      for (const Template& one : before) {
        for (const TemplateStatus& now : server.templates()) {
          if (now.pid != one.view.pid || now.state != TemplateStatus::State::kServing) continue;
          const std::string difference = one.view.DifferenceTo(LookAt(*now.pid));
          if (!difference.empty()) absl::StrAppend(&wrong, " template ", one.name, ":", difference);
        }
      }
      if (wrong.empty()) break;
      server.Dispatch(absl::Milliseconds(2));
    }
    return wrong;
  }

  // Those that have died.
  static std::string Lost(const ForkServer& server, const std::vector<Template>& before) {
    std::string wrong;
    for (const Template& one : before) {
      bool lives = false;
      for (const TemplateStatus& now : server.templates()) {
        lives |= now.pid == one.view.pid && now.state == TemplateStatus::State::kServing;
      }
      if (!lives) absl::StrAppend(&wrong, " template ", one.name, " has died;");
    }
    return wrong;
  }

  void SettleDown(ForkServer& server, Outcome& outcome) {
    for (int i = 0; i < 400 && server.in_flight() > 0; ++i) {
      server.Dispatch(absl::Milliseconds(20));
    }
    if (server.in_flight() > 0) outcome.wrong += " something is under way for ever";
  }

  // Without clone3 a template that its host kills in mid-fork has told nobody of that child, which
  // ends with it (child/birth_record.h).
  bool LosesABirth(const Fault& fault) const {
    if (std::string_view(scenario_.lacks) == "clone3") return fault.role == Role::kHost;
    // And without records one whose Forked is lost.
    const std::string_view call = kCallRows[fault.row].name;
    return !scenario_.records_births && (call == "sendmsg" || call == "recvmsg");
  }

  const Scenario& scenario_;
  const int argc_;
  char** const argv_;
  RoundClock clock_;
};

// Whether callers make the call again, or go on with what they have.
bool IsSoft(int error) {
  return error == EINTR || error == EAGAIN || error == ECONNRESET || error == kShort;
}

void Victim::ListFaults() {
  FaultSeam& seam = TheFaultSeam();
  for (int i = 0; i < kRoundsWithoutFault; ++i) {
    const Outcome outcome = Run(nullptr);
    for (const Round::Step& step : outcome.steps) {
      if (step.status.ok()) continue;
      absl::FPrintF(stderr, "without a fault: %s: %s\n", step.what,
                    std::string(step.status.message()));
      _exit(3);
    }
    if (!outcome.wrong.empty()) {
      absl::FPrintF(stderr, "without a fault:%s\n", outcome.wrong);
      _exit(3);
    }
  }
  std::vector<Fault> faults;
  for (const SeenCall& seen : seam.seen) {
    if (seen.is_complete.load() == 0) continue;
    if (kCallRows[seen.row].how == HowItFails::kNever) continue;
    faults.push_back({.role = seen.role, .row = seen.row, .site = seen.site, .error = 0});
  }
  std::sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) {
    return std::tie(a.role, a.row, a.site) < std::tie(b.role, b.row, b.site);
  });
  // Each place fails in one way, and in another one where a caller may go on after the first; each
  // row in all of its ways. Or each place in all of them.
  const bool all = scenario_.all_errors || getenv("FORKSERVER_FAULTS_ALL") != nullptr;
  std::map<std::pair<Role, uint32_t>, size_t> next_error;
  std::map<std::pair<Role, uint32_t>, size_t> next_hard_error;
  uint32_t listed = 0;
  const auto add = [&](Fault fault, int error) {
    if (listed >= FaultSeam::kMostTried) {
      absl::FPrintF(stderr, "more than %d faults: FaultSeam::kMostTried is too small\n", listed);
      _exit(3);
    }
    fault.error = error;
    seam.tried[listed++].fault = fault;
  };
  for (size_t i = 0; i < faults.size(); ++i) {
    const CallRow& row = kCallRows[faults[i].row];
    size_t errors = 0;
    while (row.errors[errors] != 0) ++errors;
    size_t& next = next_error[{faults[i].role, faults[i].row}];
    const bool is_last = i + 1 == faults.size() || faults[i + 1].role != faults[i].role ||
                         faults[i + 1].row != faults[i].row;
    if (all) {
      for (size_t e = 0; e < errors; ++e) add(faults[i], row.errors[e]);
    } else {
      std::set<int> here = {row.errors[next++ % errors]};
      if (IsSoft(*here.begin())) {
        std::vector<int> hard;
        for (size_t e = 0; e < errors; ++e) {
          if (!IsSoft(row.errors[e])) hard.push_back(row.errors[e]);
        }
        if (!hard.empty()) {
          here.insert(hard[next_hard_error[{faults[i].role, faults[i].row}]++ % hard.size()]);
        }
      }
      // What is left over fails at the last place.
      if (is_last) {
        while (next < errors) here.insert(row.errors[next++]);
      }
      for (const int error : here) add(faults[i], error);
    }
  }
  seam.listed.store(listed);
}

long CountOtherChildren() {
  const std::string all = ListChildren();
  return std::count(all.begin(), all.end(), '(');
}

void ReapOneThatHasEnded() { CallPastTheSeam(SYS_wait4, -1, 0, WNOHANG | __WALL, 0); }

std::string Judge(const Fault& fault, const Outcome& outcome) {
  std::string wrong = outcome.wrong;
  for (const Round::Step& step : outcome.steps) {
    if (step.status.ok() || IsTold(step.status, fault)) continue;
    absl::StrAppendFormat(&wrong, " [unnamed] %s: %s;", step.what, step.status.message());
  }
  return wrong;
}

void Victim::Try(TriedFault& tried) {
  const Fault& fault = tried.fault;
  tried.verdict.store(Verdict::kTrying);
  std::string wrong;
  std::string told;
  const Census before = TakeCensus();
  const long others_before = CountOtherChildren();
  const Outcome outcome = RunUntilItFires(fault);
  if (!outcome.fired) {
    tried.verdict.store(Verdict::kNotReached);
    return;
  }
  for (const Round::Step& step : outcome.steps) {
    if (!step.status.ok()) {
      absl::StrAppendFormat(&told, "%s: %s; ", step.what, step.status.ToString());
    }
  }
  wrong = Judge(fault, outcome);
  Census after = TakeCensus();
  if (after.descriptors != before.descriptors) {
    wrong += absl::StrFormat(" %d descriptors, and %d before:%s", after.descriptors,
                             before.descriptors, ListDescriptors());
  }
  if (LosesABirth(fault) && CountOtherChildren() == others_before + 1) ReapOneThatHasEnded();
  if (CountOtherChildren() != others_before) {
    wrong += absl::StrFormat(" %d children are left, %d before:%s", after.children, before.children,
                             ListChildren());
  }
  const auto grows = [&](const Census& from, const Census& to) {
    return to.mappings > from.mappings || to.heap_bytes > from.heap_bytes;
  };
  // Whether a loss would have been told from what grows once.
  bool is_repeated = true;
  if (grows(before, after)) {
    int times = 0;
    Census last = after;
    for (; times < kRepeats; ++times) {
      is_repeated = RunUntilItFires(fault).fired;
      if (!is_repeated) break;
      const Census now = TakeCensus();
      if (!grows(last, now)) break;
      last = now;
    }
    if (times == kRepeats) {
      wrong +=
          absl::StrFormat(" lost each time: from %s to %s", before.ToString(), last.ToString());
    }
  }
  if (!outcome.started) {
    const Outcome next = Run(nullptr);
    for (const Round::Step& step : next.steps) {
      if (!step.status.ok()) {
        wrong += absl::StrFormat(" the next start: %s: %s", step.what, step.status.message());
      }
    }
  }
  snprintf(tried.text, sizeof(tried.text), "%s%s%s", told.c_str(),
           wrong.empty() ? "" : " WRONG:", wrong.c_str());
  tried.verdict.store(!wrong.empty() ? Verdict::kFailed
                      : is_repeated  ? Verdict::kSurvived
                                     : Verdict::kNotReached);
}

int Main(int argc, char** argv) {
  // All that threads allocate is in the one heap that is counted.
  mallopt(M_ARENA_MAX, 1);
  if (FindLaunchSocketArgument(argc, argv) >= 0) {
    const char* const name = getenv(kScenarioVariable);
    const Scenario* const scenario = FindScenario(name != nullptr ? name : "");
    if (scenario == nullptr) return 2;
    ForkServer::Start(argc, argv, scenario->options()).IgnoreError();
    return 2;
  }
  const Scenario* const scenario = argc > 1 ? FindScenario(argv[1]) : nullptr;
  if (scenario == nullptr) {
    for (int i = 0; i < kScenarioCount; ++i) puts(kScenarios[i].name);
    return 2;
  }
  setenv(kScenarioVariable, scenario->name, 1);
  FaultSeam& seam = TheFaultSeam();
  PrepareFolder();
  seam.lacking_row.store(-1);
  for (int row = 0; row < kCallRowCount; ++row) {
    if (strcmp(kCallRows[row].name, scenario->lacks) == 0) {
      seam.lacking_error.store(scenario->error);
      seam.lacking_row.store(row);
    }
  }
  Victim victim(*scenario, argc, argv);
  if (seam.listed.load() == 0) {
    victim.ListFaults();
  } else {
    victim.Run(nullptr);
  }
  const uint32_t first = argc > 2 ? static_cast<uint32_t>(atoi(argv[2])) : 0;
  const uint32_t last = argc > 3 ? static_cast<uint32_t>(atoi(argv[3])) : seam.listed.load();
  for (uint32_t i = first; i < last; ++i) {
    if (seam.tried[i].verdict.load() == Verdict::kNotTried) victim.Try(seam.tried[i]);
  }
  return 0;
}

}  // namespace
}  // namespace forkserver::testing

int main(int argc, char** argv) { return forkserver::testing::Main(argc, argv); }
