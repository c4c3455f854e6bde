#include "forkserver/report/signal_text.h"

#include <signal.h>
#include <string.h>

#include "absl/strings/str_cat.h"

namespace forkserver {
namespace {

// asm-generic/siginfo.h; the C library's header has not all of them.
constexpr int kSysSeccomp = 1;

struct CodeRow {
  int signal;  // 0: of any
  int code;
  std::string_view name;
  std::string_view text;
};

constexpr CodeRow kCodes[] = {
    {SIGSEGV, SEGV_MAPERR, "SEGV_MAPERR", "address not mapped"},
    {SIGSEGV, SEGV_ACCERR, "SEGV_ACCERR", "no such access to this mapping"},
    {SIGSEGV, SEGV_PKUERR, "SEGV_PKUERR", "refused by a protection key"},
    {SIGSEGV, SI_KERNEL, "SI_KERNEL", "no address that can be, or an instruction of the kernel's"},
    {SIGBUS, BUS_ADRALN, "BUS_ADRALN", "address not aligned"},
    {SIGBUS, BUS_ADRERR, "BUS_ADRERR", "no memory behind this mapping"},
    {SIGBUS, BUS_OBJERR, "BUS_OBJERR", "an error of the object behind this mapping"},
    {SIGILL, ILL_ILLOPC, "ILL_ILLOPC", "illegal opcode"},
    {SIGILL, ILL_ILLOPN, "ILL_ILLOPN", "illegal operand"},
    {SIGILL, ILL_PRVOPC, "ILL_PRVOPC", "privileged opcode"},
    {SIGFPE, FPE_INTDIV, "FPE_INTDIV", "integer division by zero"},
    {SIGFPE, FPE_INTOVF, "FPE_INTOVF", "integer overflow"},
    {SIGFPE, FPE_FLTDIV, "FPE_FLTDIV", "division by zero"},
    {SIGFPE, FPE_FLTINV, "FPE_FLTINV", "invalid floating point operation"},
    {SIGSYS, kSysSeccomp, "SYS_SECCOMP", "refused by a system call filter"},
    {0, SI_USER, "SI_USER", "sent by kill"},
    {0, SI_TKILL, "SI_TKILL", "sent by tgkill or raise"},
    {0, SI_QUEUE, "SI_QUEUE", "sent by sigqueue"},
};

const CodeRow* Find(int signal, int code) {
  for (const CodeRow& row : kCodes) {
    if ((row.signal == signal || row.signal == 0) && row.code == code) return &row;
  }
  return nullptr;
}

}  // namespace

bool IsCrashSignal(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
    case SIGSYS:
      return true;
    default:
      return false;
  }
}

std::string SignalName(int signal) {
  const char* const name = sigabbrev_np(signal);
  return name != nullptr ? absl::StrCat("SIG", name) : absl::StrCat("signal ", signal);
}

std::string_view SignalCodeName(int signal, int code) {
  const CodeRow* const row = Find(signal, code);
  return row != nullptr ? row->name : std::string_view();
}

std::string_view SignalCodeText(int signal, int code) {
  const CodeRow* const row = Find(signal, code);
  return row != nullptr ? row->text : std::string_view();
}

}  // namespace forkserver
