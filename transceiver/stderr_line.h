// One line to stderr, whatever that is, for what nobody should have to wait or to end for.
//
//     WriteStderrLine("[time: 7] ...\n");
//
// One write(2): lines of several threads and processes do not mix, on a pipe as in a file that was
// opened to append. Nothing is written where descriptor 2 is closed, or close-on-exec: that one is
// no stderr but has taken its number. A reader that is gone raises no SIGPIPE, a file that may not
// grow no SIGXFSZ.
// A stderr that is full is waited for a tenth of a second. If it is full still, the line is
// dropped, and those behind it at once, until there is room: then "N lines were dropped: stderr was
// full" goes ahead of the next one, in the same write. Whether there is room poll(2) says, which
// holds for a pipe with other writers only for a moment: one that blocks may still block.
//
// errno stays as it was. Any thread; after a fork, in the child too. No allocation, no lock.
#ifndef TRANSCEIVER_STDERR_LINE_H_
#define TRANSCEIVER_STDERR_LINE_H_

#include <stddef.h>

#include <string_view>

namespace forkserver {

inline constexpr size_t kMostStderrLineBytes = 1024;

// With its end; at most kMostStderrLineBytes, more is cut.
void WriteStderrLine(std::string_view line);

}  // namespace forkserver

#endif  // TRANSCEIVER_STDERR_LINE_H_
