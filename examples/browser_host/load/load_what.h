// What a load is for: it decides what may come of it, and how much.
#ifndef EXAMPLES_BROWSER_HOST_LOAD_LOAD_WHAT_H_
#define EXAMPLES_BROWSER_HOST_LOAD_LOAD_WHAT_H_

#include <stdint.h>

namespace browser_host {

enum class LoadWhat : uint8_t { kDocument, kStyleSheet, kImage };
constexpr LoadWhat LastValue(LoadWhat) { return LoadWhat::kImage; }

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_LOAD_LOAD_WHAT_H_
