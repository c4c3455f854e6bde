# Of a host and its children: both are the debugger's.
set pagination off
set confirm off
set environment FORKSERVER_DEBUG_CHILD_PAUSE=0
set detach-on-fork off
set schedule-multiple on
run atlantis
backtrace
info inferiors
