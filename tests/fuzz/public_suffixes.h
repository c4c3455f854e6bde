// The public suffix list, loaded once for all inputs.
#ifndef TESTS_FUZZ_PUBLIC_SUFFIXES_H_
#define TESTS_FUZZ_PUBLIC_SUFFIXES_H_

#include "forkserver/model/registrable_domain.h"
#include "tests/fuzz/require.h"

namespace forkserver {

inline const PublicSuffixList& PublicSuffixes() {
  static const PublicSuffixList* const kList = [] {
    absl::StatusOr<PublicSuffixList> list = PublicSuffixList::Load();
    Require(list.ok());
    return new PublicSuffixList(*std::move(list));
  }();
  return *kList;
}

}  // namespace forkserver

#endif  // TESTS_FUZZ_PUBLIC_SUFFIXES_H_
