#include "forkserver/model/about_pages.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/ascii.h"

namespace forkserver {
namespace {

constexpr uint8_t kParentOnly = 0;
constexpr uint8_t kPrivileged = kUriMustLoadInChild | kUriCanLoadInPrivilegedAboutProcess;

constexpr AboutPage kPages[] = {
    {"", kParentOnly},
    {"about", kParentOnly},
    {"addons", kParentOnly},
    {"blank", kUriCanLoadInChild | kUriInheritsOrigin},
    {"blocked", kUriCanLoadInChild},
    {"buildconfig", kParentOnly},
    {"cache", kParentOnly},
    {"certerror", kUriCanLoadInChild},
    {"certificate", kPrivileged},
    {"checkerboard", kParentOnly},
    {"config", kParentOnly},
    {"crashcontent", kUriMustLoadInChild | kUriCanLoadInChild},
    {"crashes", kParentOnly},
    {"crashextensions", kParentOnly},
    {"crashgpu", kParentOnly},
    {"crashparent", kParentOnly},
    {"credits", kUriMustLoadInChild},
    {"debugging", kParentOnly},
    {"devtools-toolbox", kParentOnly},
    {"downloads", kParentOnly},
    {"firefoxview", kParentOnly},
    {"framecrashed", kUriCanLoadInChild},
    {"glean", kParentOnly},
    {"home", kPrivileged},
    {"httpsonlyerror", kUriCanLoadInChild},
    {"license", kParentOnly},
    {"logging", kParentOnly},
    {"logins", kPrivileged},
    {"loginsimportreport", kPrivileged},
    {"logo", kParentOnly},
    {"memory", kParentOnly},
    {"messagepreview", kUriMustLoadInChild},
    {"mozilla", kParentOnly},
    {"neterror", kUriCanLoadInChild},
    {"networking", kParentOnly},
    {"newtab", kPrivileged},
    {"performance", kParentOnly},
    {"policies", kParentOnly},
    {"preferences", kParentOnly},
    {"privatebrowsing", kPrivileged},
    {"processes", kParentOnly},
    {"profiles", kParentOnly},
    {"profiling", kParentOnly},
    {"protections", kPrivileged},
    {"reader", kUriMustLoadInChild},
    {"restartrequired", kParentOnly},
    {"rights", kUriMustLoadInChild},
    {"robots", kParentOnly},
    {"serviceworkers", kParentOnly},
    {"sessionrestore", kParentOnly},
    {"settings", kParentOnly},
    {"srcdoc", kUriCanLoadInChild | kUriInheritsOrigin},
    {"support", kParentOnly},
    {"tabcrashed", kParentOnly},
    {"telemetry", kParentOnly},
    {"unloads", kParentOnly},
    {"url-classifier", kParentOnly},
    {"webauthn", kParentOnly},
    {"webrtc", kParentOnly},
    {"welcome", kPrivileged},
    {"welcomeback", kParentOnly},
};

constexpr bool PagesAreSorted() {
  for (size_t i = 1; i < std::size(kPages); ++i) {
    if (!(kPages[i - 1].name < kPages[i].name)) return false;
  }
  return true;
}
static_assert(PagesAreSorted(), "they are looked up by halves");

}  // namespace

std::span<const AboutPage> AboutPages() { return kPages; }

const AboutPage* FindAboutPage(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower(absl::string_view(name.data(), name.size()));
  const AboutPage* page = std::lower_bound(
      std::begin(kPages), std::end(kPages), std::string_view(lower),
      [](const AboutPage& row, std::string_view wanted) { return row.name < wanted; });
  return page != std::end(kPages) && page->name == lower ? page : nullptr;
}

AboutWhere WhereOf(const AboutPage& page) {
  if ((page.flags & kUriInheritsOrigin) != 0) return AboutWhere::kInherits;
  if ((page.flags & kUriMustLoadInChild) != 0) {
    return (page.flags & kUriCanLoadInPrivilegedAboutProcess) != 0 ? AboutWhere::kPrivilegedAbout
                                                                   : AboutWhere::kWeb;
  }
  return (page.flags & kUriCanLoadInChild) != 0 ? AboutWhere::kAnywhere : AboutWhere::kParent;
}

}  // namespace forkserver
