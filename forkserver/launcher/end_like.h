// Ends the launcher as the host has ended, so that whoever started it sees the host's own status.
#ifndef FORKSERVER_LAUNCHER_END_LIKE_H_
#define FORKSERVER_LAUNCHER_END_LIKE_H_

namespace forkserver {

// Dies by `signal`, without a core dump: the host's is the one that says something. The status that
// is seen lacks the core flag therefore. Where that does not kill, as in the init of a pid
// namespace, exits with 128 + signal, as shells do.
[[noreturn]] void DieOf(int signal);

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_END_LIKE_H_
