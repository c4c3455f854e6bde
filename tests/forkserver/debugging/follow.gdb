# Of a host: the first child that it has is followed, and the host let go.
set pagination off
set confirm off
set environment FORKSERVER_DEBUG_CHILD_PAUSE=0
set follow-fork-mode child
run atlantis
backtrace
