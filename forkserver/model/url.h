// A URL, as far as the choice of a process needs it. Strict: what is no URL is an error, never a
// guess.
//
//     absl::StatusOr<Url> url = Url::Parse("https://user@WWW.Example.com:443/a?b#c");
//     url->scheme()        // "https"
//     url->host()          // "www.example.com"
//     url->ToString()      // "https://www.example.com/a?b#c"
//
// Left out are the default port and the user: with its password it is a credential, for the process
// that speaks to the network, and no page needs it. The fragment selects nothing either, but is the
// page's, so it stays. Otherwise it follows what
// browsers make of a URL (url.spec.whatwg.org), less what they repair: backslashes, white space,
// control characters, missing or third slashes, empty hosts and labels. Text that is not ASCII is
// accepted in a host (UTF-8, mapped by UTS 46, not transitional); elsewhere a canonical URL has it
// percent-encoded. Where RFC 3986 and browsers differ browsers win, or a site could be chosen by
// another rule than the page is loaded by: 0x7f.1 is an IP address. (So liburiparser, which follows
// the RFC, is not used.) libidn2 holds names to IDNA2008, which has no emoji: such hosts are
// refused.
//
// What is canonical:
//   - scheme and host are lower case, an international host is in its ASCII form;
//   - a host is letters, digits, `-` and `_` in labels of at most 63, 253 in all;
//   - IPv4, in all forms that inet_aton takes, is a dotted quad; IPv6 is in brackets, compressed,
//     and without a dotted end, as browsers write it;
//   - one dot at a host's end stays: "example.com." is another name than "example.com" to cookies
//     and storage, so it is another site (and none of a pref's domains);
//   - the default port is none; no path is "/"; `.` and `..` in it stay, since it selects nothing.
//
// Schemes: http, https, ws and wss have a host; so have moz-extension, chrome and resource, whose
// host is an id and no name. file has a path only (`localhost` is dropped, other hosts are
// refused). All others are opaque: the rest after the colon.
//
// A value: copy it, any thread.
#ifndef FORKSERVER_MODEL_URL_H_
#define FORKSERVER_MODEL_URL_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace forkserver {

class Url {
 public:
  // Of data: URLs, which are the longest.
  static constexpr size_t kMaxBytes = 32 * 1024 * 1024;

  // InvalidArgument in one line: "url http://a b/: a space or a control character". The text in it
  // is cut and its bytes that are not printable are escaped.
  static absl::StatusOr<Url> Parse(std::string_view text);

  const std::string& scheme() const { return scheme_; }
  bool HasScheme(std::string_view scheme) const { return scheme_ == scheme; }
  // Empty for file and for opaque URLs.
  const std::string& host() const { return host_; }
  // None for the scheme's default.
  std::optional<uint16_t> port() const { return port_; }
  // From the first slash on; of opaque URLs what is between the colon and the query.
  const std::string& path() const { return path_; }
  // After the question mark.
  const std::optional<std::string>& query() const { return query_; }
  // After the first `#`, which is the outer URL's where one is inside another.
  const std::optional<std::string>& fragment() const { return fragment_; }

  // http or https: what comes from the web.
  bool IsHttpFamily() const { return scheme_ == "http" || scheme_ == "https"; }

  // What the URL is about: of view-source: the page, of blob: the origin that made it (its path
  // is a slash). None for all others, and for the blob of an opaque origin (blob:null/...).
  std::optional<Url> Inner() const;

  // Parsing this gives an equal Url.
  std::string ToString() const;

  friend bool operator==(const Url&, const Url&) = default;

 private:
  Url() = default;

  // As Parse, with errors that do not name the URL.
  static absl::StatusOr<Url> ParseText(std::string_view text);
  absl::Status ParseRest(std::string_view rest);
  absl::Status ParseAuthority(std::string_view authority);

  std::string scheme_;
  std::string host_;
  std::optional<uint16_t> port_;
  std::string path_;
  std::optional<std::string> query_;
  std::optional<std::string> fragment_;
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_URL_H_
