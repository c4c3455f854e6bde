// What a fuzz target holds to be true of every input: where it is not, the program says which and
// aborts, which libFuzzer takes for a finding and a replay test for a failure.
//
//     Require(map.size() == 0);      // "prefs_map_fuzz.cc:31: does not hold"
#ifndef TESTS_FUZZ_REQUIRE_H_
#define TESTS_FUZZ_REQUIRE_H_

#include <stdio.h>
#include <stdlib.h>

namespace forkserver {

inline void Require(bool fact, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (fact) return;
  fprintf(stderr, "%s:%d: does not hold\n", file, line);
  abort();
}

}  // namespace forkserver

#endif  // TESTS_FUZZ_REQUIRE_H_
