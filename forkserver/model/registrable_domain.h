// The registrable domain of a host: what one owner registered, by the Public Suffix List.
//
//     absl::StatusOr<PublicSuffixList> list = PublicSuffixList::Load();
//     list->RegistrableDomain("www.bbc.co.uk")      // "bbc.co.uk"
//     list->RegistrableDomain("github.io")          // "github.io": a suffix itself
//     list->RegistrableDomain("127.0.0.1")          // "127.0.0.1": an address is its own
//
// The list is Debian's package publicsuffix, read once, which gets updates of its own; where that
// is not installed or older, the list that libpsl was built with (also Debian's). A process that
// chooses sites loads it before it is confined.
//
// Ownership: owns the list; move-only. Threads: any number at once, the list does not change. After
// a fork: usable in the child.
#ifndef FORKSERVER_MODEL_REGISTRABLE_DOMAIN_H_
#define FORKSERVER_MODEL_REGISTRABLE_DOMAIN_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct psl_ctx_st;

namespace forkserver {

class PublicSuffixList {
 public:
  static constexpr char kDebianFile[] = "/usr/share/publicsuffix/public_suffix_list.dafsa";

  // The newer one of `file` and libpsl's own. NotFound where there is neither.
  static absl::StatusOr<PublicSuffixList> Load(const char* file = kDebianFile);

  // `host` is canonical (url.h). What has no registrable domain is its own: IP addresses, single
  // labels ("localhost"), public suffixes. A dot at the end stays.
  std::string RegistrableDomain(std::string_view host) const;

 private:
  struct Free {
    void operator()(const psl_ctx_st* list) const;
  };
  using List = std::unique_ptr<const psl_ctx_st, Free>;

  explicit PublicSuffixList(List list) : list_(std::move(list)) {}

  List list_;
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_REGISTRABLE_DOMAIN_H_
