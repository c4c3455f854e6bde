// The host's word to its launcher that its start-up is over.
//
//     auto server = forkserver::ForkServer::Start(argc, argv, ...);
//     ...the window is there...
//     forkserver::TellLauncherThatStartIsOver();
//
// From then on a crash is a crash: the launcher passes it through. Before, a host that dies is
// started again, the third time in safe mode (forkserver/launcher/run_launcher.h). A host that
// never says so has started when LauncherOptions::start_millis are over. Saying it is also what
// makes the launcher close its copies of stdin, stdout and all else that the host has inherited
// from it.
//
// Does nothing without a launcher, in a second call, and in a process that has only inherited the
// environment of a host: the variable names a socket by number and inode. Not before
// ForkServer::Start, which is main's first statement; any thread; no allocation.
#ifndef FORKSERVER_LAUNCHER_HOST_START_H_
#define FORKSERVER_LAUNCHER_HOST_START_H_

namespace forkserver {

// "50:81234": a descriptor of the host's, which its exec has left open, and the inode of the socket
// that it is. Whoever sends a byte has told. A socket and not a pipe: a launcher that has ceased to
// wait has closed its end, and a pipe would answer with SIGPIPE.
inline constexpr char kStartSocketVariable[] = "FORKSERVER_START_SOCKET";

void TellLauncherThatStartIsOver();

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_HOST_START_H_
