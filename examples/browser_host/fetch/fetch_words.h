// What errors of fetches are made of.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_FETCH_WORDS_H_
#define EXAMPLES_BROWSER_HOST_FETCH_FETCH_WORDS_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace browser_host {

// A text that a server had a part in, on one line and not too long.
std::string Named(std::string_view text);

// "10 s"; where it is not whole, "1500 ms".
std::string Seconds(absl::Duration time);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_FETCH_WORDS_H_
