#include "forkserver/model/web_content_check.h"

#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "forkserver/model/about_pages.h"

namespace forkserver {
namespace {

// Of a data: URL the beginning is enough.
constexpr size_t kMaxShownBytes = 200;

}  // namespace

bool MayBeInParent(const Url& url) {
  if (url.HasScheme("view-source")) return MayBeInParent(*url.Inner());
  if (url.HasScheme("chrome") || url.HasScheme("resource")) return true;
  if (!url.HasScheme("about")) return false;
  const AboutPage* page = FindAboutPage(url.path());
  if (page == nullptr) return false;
  const AboutWhere where = WhereOf(*page);
  return where == AboutWhere::kParent || where == AboutWhere::kInherits;
}

void CheckParentMayLoad(const Url& url) {
  if (MayBeInParent(url)) return;
  fprintf(stderr, "web content in the parent process: %s\n",
          url.ToString().substr(0, kMaxShownBytes).c_str());
  abort();
}

}  // namespace forkserver
