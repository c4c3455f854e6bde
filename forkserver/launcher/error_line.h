// One line on stderr, which is all that a launcher ever says.
//
//     PrintLine("%s: execve %s: %s", name, path, strerrorname_np(error));
//
// One write, no allocation, no SIGPIPE; what is longer than a screen's few lines is cut. Nothing
// where descriptor 2 was closed at the start: the launcher keeps its own descriptors out of 0 to 2.
#ifndef FORKSERVER_LAUNCHER_ERROR_LINE_H_
#define FORKSERVER_LAUNCHER_ERROR_LINE_H_

namespace forkserver {

[[gnu::format(printf, 1, 2)]] void PrintLine(const char* format, ...);

// "ENOENT"; "errno?" for a number without a name.
const char* NameOfErrno(int error);

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_ERROR_LINE_H_
