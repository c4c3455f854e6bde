#include "forkserver/host/broker/refused_call.h"

#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <optional>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

struct FlagName {
  uint64_t flag;
  std::string_view name;
};

constexpr FlagName kFlagNames[] = {
    {O_CREAT, "O_CREAT"},     {O_EXCL, "O_EXCL"},           {O_NOCTTY, "O_NOCTTY"},
    {O_TRUNC, "O_TRUNC"},     {O_APPEND, "O_APPEND"},       {O_NONBLOCK, "O_NONBLOCK"},
    {O_TMPFILE, "O_TMPFILE"}, {O_DIRECTORY, "O_DIRECTORY"}, {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_CLOEXEC, "O_CLOEXEC"}, {O_PATH, "O_PATH"},           {O_SYNC, "O_SYNC"},
    {O_DSYNC, "O_DSYNC"},     {O_DIRECT, "O_DIRECT"},       {O_NOATIME, "O_NOATIME"},
};

std::string OpenFlags(uint64_t flags) {
  constexpr std::string_view kAccess[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "3"};
  std::string text(kAccess[flags & O_ACCMODE]);
  flags &= ~uint64_t{O_ACCMODE};
  for (const FlagName& known : kFlagNames) {
    if ((flags & known.flag) != known.flag) continue;
    flags &= ~known.flag;
    absl::StrAppend(&text, "|", std::string(known.name));
  }
  if (flags != 0) absl::StrAppend(&text, "|0x", absl::Hex(flags));
  return text;
}

// The argument that has an open's flags.
std::optional<size_t> OpenFlagsArgument(int number) {
  if (number == SYS_openat) return 2;
#if defined(SYS_open)
  if (number == SYS_open) return 1;
#endif
  return std::nullopt;
}

std::string CallText(const RefusedCall& record) {
  if (!record.path.empty()) {
    std::string text = absl::StrFormat("%s(\"%s\"", record.call,
                                       absl::CEscape({record.path.data(), record.path.size()}));
    const std::optional<size_t> flags = OpenFlagsArgument(record.number);
    if (flags) absl::StrAppend(&text, ", ", OpenFlags(record.arguments[*flags] & UINT32_MAX));
    return text + ")";
  }
  size_t count = record.arguments.size();
  while (count > 0 && record.arguments[count - 1] == 0) --count;
  std::string text = record.call + "(";
  for (size_t i = 0; i < count; ++i) {
    absl::StrAppend(&text, i == 0 ? "0x" : ", 0x", absl::Hex(record.arguments[i]));
  }
  return text + ")";
}

std::string_view OutcomeText(CallOutcome outcome) {
  switch (outcome) {
    case CallOutcome::kRefused:
      return "refused";
    case CallOutcome::kKilled:
      return "killed for it";
    case CallOutcome::kUnknownCaller:
      return "refused, of no registered child";
    case CallOutcome::kTimedOut:
      return "took too long";
    case CallOutcome::kTooBusy:
      return "refused, too many others are stuck";
  }
  return "refused";
}

}  // namespace

RefusedCall DescribeCall(const seccomp_data& data) {
  RefusedCall record;
  record.architecture = data.arch;
  record.number = data.nr;
  for (size_t i = 0; i < record.arguments.size(); ++i) record.arguments[i] = data.args[i];
  return record;
}

std::string CallName(uint32_t architecture, int number) {
  char* const name = seccomp_syscall_resolve_num_arch(architecture, number);
  std::string text = name != nullptr ? std::string(name) : absl::StrCat("call ", number);
  free(name);
  return text;
}

std::string ToString(const RefusedCall& record) {
  std::string who = record.type == ProcessType::kParent ? std::string("unknown")
                                                        : std::string(ProcessTypeName(record.type));
  absl::StrAppend(&who, " pid ", record.pid);
  if (record.tid != record.pid) absl::StrAppend(&who, " thread ", record.tid);
  std::string text = absl::StrFormat("sandbox: %s: %s %s: %s", who, CallText(record),
                                     OutcomeText(record.outcome), ErrnoName(record.error));
  if (record.suppressed != 0) {
    absl::StrAppend(&text, " (", record.suppressed, " more before it)");
  }
  return text;
}

}  // namespace forkserver
