// The seam: between this program's code and its system calls, where one can be made to fail.
//
//     FaultSeam& seam = TheFaultSeam();                  // shared by the host and all its
//     processes seam.mode = SeamMode::kWatching;                   // from now on calls are listed
//     seam.Arm({.role = Role::kRoot, .row = ..., .site = ..., .error = EMFILE});
//     ...                                                // that call fails, once
//     seam.Disarm();
//
// A program that links it and is built `with_faults` (fault_build.bzl) makes each of its system
// calls here: those through a library by the linker's --wrap, the raw ones by a hook in
// transceiver/raw_syscall.h. calls.def is the list of them all.
//
// What is shared lies in one file, mapped at a fixed address when the program starts, in exec'ed
// processes too (the environment variable FORKSERVER_FAULTS is its path; without it nothing is
// shared and nothing fails). The seam makes no system call and no allocation and has no variables:
// it runs in the middle of the freeze, in which variables and tables are not in their places, and
// in templates, which may not write a page. A process's own role lies in a page at another fixed
// address, left out of the freeze by MADV_DONTDUMP, which is written once after each fork, by the
// child.
#ifndef TESTS_FAULTS_SEAM_H_
#define TESTS_FAULTS_SEAM_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace forkserver::testing {

// Who makes a call. A template is a child until its first warm-up says otherwise (SetRole).
// Nobody's calls are passed on and not seen: those of the tests' own code.
enum class Role : uint32_t {
  kHost,
  kSeed,
  kRoot,
  kTemplate,
  kInit,
  kChild,
  kExeced,
  kNobody,
  kCount
};
const char* RoleName(Role role);

enum class HowItFails : uint8_t { kErrno, kNull, kNumber, kMinus, kDone, kNever };

// In place of an errno: the call succeeds, with a length of one byte or entry.
inline constexpr int kShort = -1;

struct CallRow {
  const char* name;
  bool by_number;
  HowItFails how;
  const char* unreached;  // why it is not hit here; empty: it is
  int errors[16];         // ends with 0
};
inline constexpr int kMostRows = 192;

// All rows of calls.def, in its order.
extern const CallRow kCallRows[];
extern const int kCallRowCount;
// The names that are QUIET there.
extern const char* const kQuietNames[];
extern const int kQuietNameCount;

// Where a call is made: this call's return address and those of its callers, from the beginning
// of the program. Deep enough to tell a template's answers from one another.
struct Site {
  static constexpr int kDepth = 6;
  uint32_t frames[kDepth] = {};

  auto operator<=>(const Site&) const = default;
};

struct Fault {
  Role role = Role::kHost;
  uint32_t row = 0;
  Site site = {};
  int error = 0;
};

enum class SeamMode : uint32_t { kOff, kWatching };

// One place from which a call was seen.
struct SeenCall {
  std::atomic<uint64_t> key = 0;  // 0: free
  std::atomic<uint32_t> is_complete = 0;
  Role role = Role::kHost;
  uint32_t row = 0;
  Site site = {};
  std::atomic<uint32_t> times = 0;
};

enum class Verdict : uint32_t {
  kNotTried,
  kTrying,
  kSurvived,
  kNotReached,
  kFailed,
  kElsewhere,  // another scenario tries it
};

struct TriedFault {
  Fault fault = {};
  std::atomic<Verdict> verdict = Verdict::kNotTried;
  char text[512] = {};  // what the caller was told, and what was wrong
};

struct FaultSeam {
  static constexpr size_t kMostSeen = 8192;
  static constexpr size_t kMostTried = 16384;
  static constexpr size_t kMostNumbers = 1024;

  std::atomic<SeamMode> mode;

  enum class Armed : uint32_t { kNo, kYes, kFired };
  std::atomic<Armed> armed;
  Fault fault;
  // Fails always, in every process, and is not seen: what this machine is made to lack. -1:
  // nothing.
  std::atomic<int> lacking_row;
  std::atomic<int> lacking_error;

  SeenCall seen[kMostSeen];
  std::atomic<uint32_t> overflow;               // calls that found no room in `seen`
  std::atomic<uint32_t> unknown[kMostNumbers];  // calls of numbers without a row

  // What the victim does, for whoever reads its results.
  std::atomic<uint32_t> listed;  // tried[] is filled in up to here
  TriedFault tried[kMostTried];

  void Arm(const Fault& what) {
    fault = what;
    armed.store(Armed::kYes);
  }
  // Whether it happened.
  bool Disarm() { return armed.exchange(Armed::kNo) == Armed::kFired; }
};

FaultSeam& TheFaultSeam();

// The caller's frame, and what is above it on this stack, belong to no site: whoever calls one
// function from several places says so in it. Children of forks inherit it.
#define EndSitesHere() EndSitesAt(__builtin_frame_address(0))
void EndSitesAt(const void* frame);

// Of the calling process; from the next fork on its child's is what follows from it.
void SetRole(Role role);
// What the next fork of this process makes, once.
void SetRoleOfNextChild(Role role);

// A system call past the seam: minus errno for a failure.
long CallPastTheSeam(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                     long f = 0);

inline constexpr char kFaultsVariable[] = "FORKSERVER_FAULTS";

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_SEAM_H_
