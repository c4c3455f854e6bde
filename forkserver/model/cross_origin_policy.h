// What a response says of cross-origin isolation: Cross-Origin-Opener-Policy and
// Cross-Origin-Embedder-Policy, by the HTML standard.
//
//     IsolatesOpener("same-origin; report-to=\"coop\"")     // true
//     IsolatesOpener("same-origin-allow-popups")            // false
//     IsolatesEmbedded("credentialless")                    // true
//
// Each value is one item of structured fields (RFC 9651): a token, in the case that the standard
// writes, and parameters. What does not parse counts as absent: a list (of a header that came
// twice), a token in quotes, parameters that are none. And a page that did not come securely has no
// such headers.
//
// Pure, any thread.
#ifndef FORKSERVER_MODEL_CROSS_ORIGIN_POLICY_H_
#define FORKSERVER_MODEL_CROSS_ORIGIN_POLICY_H_

#include <optional>
#include <string_view>

#include "forkserver/model/url.h"

namespace forkserver {

// The token of an item, without its parameters; none for what is no such item.
std::optional<std::string_view> TokenOfItem(std::string_view value);

// `same-origin`.
bool IsolatesOpener(std::string_view opener_policy);
// `require-corp` or `credentialless`.
bool IsolatesEmbedded(std::string_view embedder_policy);

// https, and http from this machine (w3.org/TR/secure-contexts, "potentially trustworthy").
bool CameSecurely(const Url& url);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_CROSS_ORIGIN_POLICY_H_
