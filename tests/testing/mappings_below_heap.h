// Processes in which mmap finds its places below the heap and not above it, for victims and hosts
// under test. Where it does is settled at an exec, so each of these has the calling program exec
// itself once more, with the same arguments, and returns in that. Never in a test runner.
//
// Aborts where it cannot: the test would prove nothing.
#ifndef TESTS_TESTING_MAPPINGS_BELOW_HEAP_H_
#define TESTS_TESTING_MAPPINGS_BELOW_HEAP_H_

namespace forkserver::testing {

// `setarch -L`: mmap goes upwards from a third of the address space, and the heap of a program that
// can lie anywhere begins at two thirds.
void HaveMappingsBelowTheHeapByPersonality();

// `ulimit -s unlimited`: mmap goes downwards from a sixth, to leave the stack the rest.
void HaveMappingsBelowTheHeapByUnlimitedStack();

// Of this process, asked by making one.
bool MappingsLieBelowTheHeap();

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_MAPPINGS_BELOW_HEAP_H_
