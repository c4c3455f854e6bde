// The hosts as which folders are served.
//
//     SiteHosts hosts;
//     hosts.HostOf("Field Guide")        // "field-guide.test"
//     hosts.HostOf("field_guide!")       // "field_guide-.test"
//     hosts.HostOf("field guide")        // "field-guide-2.test": it is taken
//
// A folder's name becomes one label: in lower case, cut to what a label may have, with a `-` for
// each byte that is no letter, digit, `-` or `_`. Whoever comes second gets the first number that
// is free. `.test` is nobody's (RFC 6761), so each such host is a site of its own.
#ifndef EXAMPLES_BROWSER_HOST_SITE_HOSTS_H_
#define EXAMPLES_BROWSER_HOST_SITE_HOSTS_H_

#include <set>
#include <string>
#include <string_view>

namespace browser_host {

class SiteHosts {
 public:
  // Never the same twice.
  std::string HostOf(std::string_view folder_name);

 private:
  std::set<std::string> taken_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SITE_HOSTS_H_
