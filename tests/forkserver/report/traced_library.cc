// A library that is loaded, and traced as if it had crashed.
#include <elf.h>

namespace {

template <typename One, typename Other>
struct Pair {};

template <int depth>
struct Deep {
  using Type = Pair<typename Deep<depth - 1>::Type, typename Deep<depth - 1>::Type>;
};
template <>
struct Deep<0> {
  using Type = int;
};

}  // namespace

extern "C" int TracedFunction() { return 1; }

// A build id of 32 bytes, as a note that nobody looks at yet.
struct LongBuildId {
  Elf64_Nhdr header;
  char name[4];
  char id[33];
};
extern "C" const LongBuildId kLongBuildId;
const LongBuildId kLongBuildId = {
    {4, 32, NT_GNU_BUILD_ID}, {'G', 'N', 'U', '\0'}, "a build id of two and thirty."};

// Whose name has each of its types twice: a few hundred bytes that are megabytes for people.
template <typename Type>
[[gnu::noinline]] int WithALongName(Type*) {
  return 2;
}

extern "C" void* AddressOfALongName() {
  return reinterpret_cast<void*>(&WithALongName<Deep<12>::Type>);
}
