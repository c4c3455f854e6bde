// What signals mean: which are a crash's, and their codes in words (sigaction(2), siginfo_t).
#ifndef FORKSERVER_REPORT_SIGNAL_TEXT_H_
#define FORKSERVER_REPORT_SIGNAL_TEXT_H_

#include <string>
#include <string_view>

namespace forkserver {

// Of those that children have handlers for (child/flight/crash_handler.h).
bool IsCrashSignal(int signal);

// "SIGSEGV"; "signal 77" for a number without a name.
std::string SignalName(int signal);

// "SEGV_MAPERR"; empty for a code that has no name here.
std::string_view SignalCodeName(int signal, int code);

// "address not mapped"; empty likewise.
std::string_view SignalCodeText(int signal, int code);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_SIGNAL_TEXT_H_
