#include "examples/browser_host/paint/lent_tree.h"

#include <gumbo.h>

namespace browser_host {
namespace {

thread_local ParsedPage* lent = nullptr;

}  // namespace

LentTree::LentTree(ParsedPage& page) { lent = &page; }
LentTree::~LentTree() { lent = nullptr; }

}  // namespace browser_host

// The linker's names.
extern "C" {

GumboOutput* __real_gumbo_parse(const char* text);
void __real_gumbo_destroy_output(const GumboOptions* options, GumboOutput* output);

GumboOutput* __wrap_gumbo_parse(const char* text) {
  browser_host::ParsedPage* const page = browser_host::lent;
  if (page == nullptr || page->html().c_str() != text) return __real_gumbo_parse(text);
  return &page->output();
}

void __wrap_gumbo_destroy_output(const GumboOptions* options, GumboOutput* output) {
  browser_host::ParsedPage* const page = browser_host::lent;
  if (page != nullptr && &page->output() == output) return;
  __real_gumbo_destroy_output(options, output);
}

}  // extern "C"
