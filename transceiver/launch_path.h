// Marks a function that every child runs on its way to Ready, or every child of the process model
// to its first answer. Compiler and linker put these next to each other, so that a fresh child,
// which has none of the program's code mapped, faults in few pages of it: about 2 us each where
// page tables are virtualized.
#ifndef TRANSCEIVER_LAUNCH_PATH_H_
#define TRANSCEIVER_LAUNCH_PATH_H_

#define FORKSERVER_LAUNCH_PATH [[gnu::hot]]

#endif  // TRANSCEIVER_LAUNCH_PATH_H_
