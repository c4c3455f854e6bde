# Of a child that waits for a debugger: it goes on, and the crash is where it stops.
set pagination off
continue
backtrace
