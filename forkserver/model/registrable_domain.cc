#include "forkserver/model/registrable_domain.h"

#include <libpsl.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "forkserver/model/host.h"

namespace forkserver {

// Libpsl's own list is no allocation, and its psl_free knows that.
void PublicSuffixList::Free::operator()(const psl_ctx_st* list) const {
  psl_free(const_cast<psl_ctx_t*>(list));
}

absl::StatusOr<PublicSuffixList> PublicSuffixList::Load(const char* file) {
  List list(psl_latest(file));
  if (list == nullptr) {
    return absl::NotFoundError(absl::StrCat("psl_latest ", file, ": no public suffix list"));
  }
  return PublicSuffixList(std::move(list));
}

std::string PublicSuffixList::RegistrableDomain(std::string_view host) const {
  const std::string name(host);
  if (IsIpAddress(host)) return name;
  // Points into `name`.
  const char* domain = psl_registrable_domain(list_.get(), name.c_str());
  return domain != nullptr ? domain : name;
}

}  // namespace forkserver
