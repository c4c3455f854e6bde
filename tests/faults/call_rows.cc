#include <errno.h>

#include "tests/faults/seam.h"

namespace forkserver::testing {

#define LIBC(name, how, unreached, ...) {#name, false, HowItFails::how, unreached, {__VA_ARGS__}},
#define NUMBER(name, how, unreached, ...) {#name, true, HowItFails::how, unreached, {__VA_ARGS__}},
#define PART(name, what, how, unreached, ...) \
  {#name " " #what, false, HowItFails::how, unreached, {__VA_ARGS__}},
#define QUIET(name)
const CallRow kCallRows[] = {
#include "tests/faults/calls.def"
};
#undef LIBC
#undef NUMBER
#undef PART
#undef QUIET
const int kCallRowCount = sizeof(kCallRows) / sizeof(kCallRows[0]);
static_assert(sizeof(kCallRows) / sizeof(kCallRows[0]) <= kMostRows);

#define LIBC(name, how, unreached, ...)
#define NUMBER(name, how, unreached, ...)
#define PART(name, what, how, unreached, ...)
#define QUIET(name) #name,
const char* const kQuietNames[] = {
#include "tests/faults/calls.def"
};
#undef LIBC
#undef NUMBER
#undef PART
#undef QUIET
const int kQuietNameCount = sizeof(kQuietNames) / sizeof(kQuietNames[0]);

const char* RoleName(Role role) {
  switch (role) {
    case Role::kHost:
      return "host";
    case Role::kSeed:
      return "seed";
    case Role::kRoot:
      return "root";
    case Role::kTemplate:
      return "template";
    case Role::kInit:
      return "init";
    case Role::kChild:
      return "child";
    case Role::kExeced:
      return "exec'ed";
    case Role::kNobody:
    case Role::kCount:
      break;
  }
  return "nobody";
}

}  // namespace forkserver::testing
