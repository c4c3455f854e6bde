// The phrases that policies are written in: system calls by what they are for.
//
//     SandboxPolicy policy;
//     policy.calls = Phrases({Computing(), Threads(), MessagesOverGivenSockets()});
//
// Every policy begins with Baseline: what each child needs to get Ready and to end, what no child
// may ever do, and what libraries try and can do without.
#ifndef CHILD_SANDBOX_PHRASES_H_
#define CHILD_SANDBOX_PHRASES_H_

#include <initializer_list>

#include "child/sandbox/system_calls.h"

namespace forkserver {

// In this order: what a later phrase says of a call holds.
SystemCalls Phrases(std::initializer_list<SystemCalls> phrases);

// What template and child need from the fork to Ready and at the end; what attacks are made of is
// answered by a kill; what libraries try, with an error.
SystemCalls Baseline();

// Memory that is not both writable and executable, time, randomness, and itself.
SystemCalls Computing();

// Threads as pthread_create makes them, and what they wait with.
SystemCalls Threads();

// Reading, writing and closing what it was given, and waiting for it; descriptors of its own that
// lead nowhere: pipes, eventfds, timers, memfds, socket pairs.
SystemCalls GivenDescriptors();

// Signals to itself, and its own handlers.
SystemCalls OwnSignals();

// Libraries that are loaded at run time: files mapped executable and never writable. A memfd that
// was filled first passes as such a file, so this keeps out accidents rather than attacks.
SystemCalls LoadedCode();

// Code that is made at run time: memory that was written may become executable.
SystemCalls GeneratedCode();

// Files by their names: all asked of the broker.
SystemCalls FilesByBroker();

// Sockets that are bound to names in the file system, connected by the broker.
SystemCalls LocalServicesByBroker();

// Sockets of its own, of the internet's families.
SystemCalls Network();

// Device calls of graphics drivers, on descriptors that the broker opened.
SystemCalls GraphicsDevices();

}  // namespace forkserver

#endif  // CHILD_SANDBOX_PHRASES_H_
