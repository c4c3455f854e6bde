#include "forkserver/model/select_remote_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/model/model_prefs.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/remote_type.h"
#include "forkserver/model/url.h"
#include "forkserver/model/web_content_check.h"

namespace forkserver {
namespace {

using ::testing::HasSubstr;

RemoteType Type(const std::string& text) {
  absl::StatusOr<RemoteType> type = RemoteType::Parse(text);
  EXPECT_TRUE(type.ok()) << type.status();
  return *type;
}

// A load in words.
class Go {
 public:
  explicit Go(const char* url) : load_({.url = *Url::Parse(url)}) {}

  Go& ByUser() { return load_.initiated_by = InitiatedBy::kUser, *this; }
  Go& From(const char* type) { return load_.initiator = Type(type), *this; }
  Go& InFrameOf(const char* type) {
    load_.frame = FramePosition::kSubframe;
    load_.owner = Type(type);
    return *this;
  }
  Go& InFrame() { return load_.frame = FramePosition::kSubframe, *this; }
  Go& Where(const char* type) { return load_.current = Type(type), *this; }
  Go& Coop(const char* value) { return load_.opener_policy = value, *this; }
  Go& Coep(const char* value) { return load_.embedder_policy = value, *this; }
  Go& Isolated() { return Coop("same-origin").Coep("require-corp"); }
  Go& Container(uint32_t id) { return load_.attributes.user_context_id = id, *this; }
  Go& Private() { return load_.attributes.private_browsing_id = 1, *this; }
  Go& InNewTab() { return load_.kind = LoadKind::kNewTab, *this; }
  Go& AsWorkerOf(const char* type) { return As(LoadKind::kDedicatedWorker, type); }
  Go& AsSharedWorkerOf(const char* type) { return As(LoadKind::kSharedWorker, type); }
  Go& AsServiceWorker() { return load_.kind = LoadKind::kServiceWorker, *this; }
  Go& MadeBy(const char* type) { return load_.blob_creator = Type(type), *this; }
  Go& NotInParent() { return load_.parent_pages = ParentPages::kInPrivilegedProcess, *this; }
  Go& OfPrivilegedExtension() { return load_.extension = ExtensionRank::kPrivileged, *this; }

  const Load& load() const { return load_; }

 private:
  Go& As(LoadKind kind, const char* type) {
    load_.kind = kind;
    load_.owner = Type(type);
    return *this;
  }

  Load load_;
};

struct Case {
  const char* fact;
  Go go;
  const char* goes_to;  // a remote type, or "invalid" or "denied"
};

constexpr char kA[] = "webIsolated=https://a.com";
constexpr char kB[] = "webIsolated=https://b.com";
constexpr char kIsolatedA[] = "webCOOP+COEP=https://a.com";

std::string Where(const Load& load, const ModelPrefs& prefs, const PublicSuffixList& list) {
  absl::StatusOr<Selection> selection = SelectRemoteType(load, prefs, list);
  if (selection.ok()) return selection->type.ToString();
  switch (selection.status().code()) {
    case absl::StatusCode::kInvalidArgument:
      return "invalid";
    case absl::StatusCode::kPermissionDenied:
      return "denied";
    default:
      return selection.status().ToString();
  }
}

class SelectRemoteTypeTest : public ::testing::Test {
 protected:
  SelectRemoteTypeTest() {
    prefs_.file_readers = {{.scheme = "https", .host = "reader.example"}};
    without_isolation_ = prefs_;
    without_isolation_.isolation = SiteIsolation::kOff;
  }

  void ExpectAll(const ModelPrefs& prefs, const std::vector<Case>& cases) {
    std::set<std::string> facts;
    for (const Case& one : cases) {
      EXPECT_TRUE(facts.insert(one.fact).second) << "twice: " << one.fact;
      EXPECT_EQ(Where(one.go.load(), prefs, list_), one.goes_to) << one.fact;
    }
  }

  Selection Select(const Go& go) {
    absl::StatusOr<Selection> selection = SelectRemoteType(go.load(), prefs_, list_);
    EXPECT_TRUE(selection.ok()) << selection.status();
    return *selection;
  }

  const PublicSuffixList list_ = *PublicSuffixList::Load();
  ModelPrefs prefs_;
  ModelPrefs without_isolation_;
};

TEST_F(SelectRemoteTypeTest, WebContentGoesToItsSite) {
  ExpectAll(
      prefs_,
      {
          {"An https page goes to its site", Go("https://www.a.com/x"), kA},
          {"A site of another scheme is another", Go("http://a.com/"), "webIsolated=http://a.com"},
          {"Ports do not count", Go("https://a.com:8443/"), kA},
          {"A public suffix's customers are apart", Go("https://me.github.io/"),
           "webIsolated=https://me.github.io"},
          {"A public suffix is its own site", Go("https://github.io/"),
           "webIsolated=https://github.io"},
          {"A suffix of two labels has sites of three", Go("https://news.bbc.co.uk/"),
           "webIsolated=https://bbc.co.uk"},
          {"A name of the test domain has its site", Go("https://www.heron.test/"),
           "webIsolated=https://heron.test"},
          {"An address is its own site", Go("http://127.0.0.1:8080/"),
           "webIsolated=http://127.0.0.1"},
          {"An address in other digits is the same site", Go("http://2130706433/"),
           "webIsolated=http://127.0.0.1"},
          {"An IPv6 address is its own site", Go("http://[0::1]:1/"), "webIsolated=http://[::1]"},
          {"localhost is its own site", Go("http://localhost/"), "webIsolated=http://localhost"},
          {"A dot at the end makes another site", Go("https://a.com./"),
           "webIsolated=https://a.com."},
          {"An international site is in ASCII", Go("https://www.B%C3%BCcher.example/"),
           "webIsolated=https://xn--bcher-kva.example"},
          {"User and password do not count", Go("https://b.com@a.com/"), kA},
          {"Who asks does not count", Go("https://a.com/").From(kB), kA},
          {"Where the tab is does not count", Go("https://a.com/").Where(kB), kA},
          {"A frame goes to its own site", Go("https://a.com/").InFrameOf(kB), kA},
          {"A frame of the same site stays", Go("https://x.a.com/").InFrameOf(kA), kA},
          {"A frame in an extension goes to its site", Go("https://a.com/").InFrameOf("extension"),
           kA},
          {"A frame in a file goes to its site", Go("https://a.com/").InFrameOf("file"), kA},
          {"A frame of the parent's goes to its site", Go("https://a.com/").InFrameOf("null"), kA},
          {"A tab of the parent's goes to the page's site", Go("https://a.com/").Where("null"), kA},
          {"The source of a page is where the page is", Go("view-source:https://a.com/"), kA},
          {"What the user enters goes to its site too", Go("https://a.com/").ByUser(), kA},
      });
}

TEST_F(SelectRemoteTypeTest, WithoutIsolationWebContentIsShared) {
  ExpectAll(
      without_isolation_,
      {
          {"An https page is shared", Go("https://www.a.com/x"), "web"},
          {"An http page is shared", Go("http://a.com/"), "web"},
          {"An address is shared", Go("http://127.0.0.1/"), "web"},
          {"A frame is shared", Go("https://a.com/").InFrameOf("web"), "web"},
          {"A frame in a file is not of the file's", Go("https://a.com/").InFrameOf("file"), "web"},
          {"A container is still apart", Go("https://a.com/").Container(1), "web^userContextId=1"},
          {"A separated domain is still apart", Go("https://addons.mozilla.org/"),
           "privilegedmozilla"},
          {"A separated domain in a frame is still apart",
           Go("https://addons.mozilla.org/").InFrameOf("web"), "privilegedmozilla"},
          {"A cross-origin isolated page still has its own", Go("https://www.a.com/").Isolated(),
           kIsolatedA},
          {"A file is still apart", Go("file:///a"), "file"},
          {"A reader of files is still apart", Go("https://reader.example/"), "file"},
          {"An extension is still apart", Go("moz-extension://abc/x"), "extension"},
          {"about:logins is still apart", Go("about:logins").ByUser(), "privilegedabout"},
          {"about:config is still the parent's", Go("about:config").ByUser(), "null"},
          {"A shared worker is shared", Go("https://a.com/w.js").AsSharedWorkerOf("web"), "web"},
          {"A service worker is shared", Go("https://a.com/w.js").AsServiceWorker(), "web"},
          {"A new tab is shared", Go("https://a.com/").InNewTab(), "web"},
          {"A blob without creator is where its origin is", Go("blob:https://a.com/x"), "web"},
          {"A blob of the shared process stays in it", Go("blob:https://a.com/x").MadeBy("web"),
           "web"},
      });
}

TEST_F(SelectRemoteTypeTest, CrossOriginIsolationNeedsBothHeaders) {
  ExpectAll(
      prefs_,
      {
          {"Both headers isolate", Go("https://www.a.com/").Isolated(), kIsolatedA},
          {"credentialless does as well",
           Go("https://a.com/").Coop("same-origin").Coep("credentialless"), kIsolatedA},
          {"Parameters do not count",
           Go("https://a.com/").Coop("same-origin; report-to=\"x\"").Coep("require-corp;a=1"),
           kIsolatedA},
          {"The opener's alone does not", Go("https://a.com/").Coop("same-origin"), kA},
          {"The embedder's alone does not", Go("https://a.com/").Coep("require-corp"), kA},
          {"same-origin-allow-popups does not",
           Go("https://a.com/").Coop("same-origin-allow-popups").Coep("require-corp"), kA},
          {"unsafe-none does not", Go("https://a.com/").Coop("same-origin").Coep("unsafe-none"),
           kA},
          {"Another case does not", Go("https://a.com/").Coop("Same-Origin").Coep("require-corp"),
           kA},
          {"A header that came twice does not",
           Go("https://a.com/").Coop("same-origin, same-origin").Coep("require-corp"), kA},
          {"A text in quotes does not",
           Go("https://a.com/").Coop("\"same-origin\"").Coep("require-corp"), kA},
          {"Plain http does not", Go("http://a.com/").Isolated(), "webIsolated=http://a.com"},
          {"Plain http from this machine does", Go("http://localhost/").Isolated(),
           "webCOOP+COEP=http://localhost"},
          {"A frame's own headers do not", Go("https://a.com/").InFrameOf(kB).Isolated(), kA},
          {"A frame in an isolated page is isolated by its embedder policy",
           Go("https://b.com/").InFrameOf(kIsolatedA).Coep("require-corp"),
           "webCOOP+COEP=https://b.com"},
          {"A frame in an isolated page without that is refused",
           Go("https://b.com/").InFrameOf(kIsolatedA), "denied"},
          {"So is one of the same site", Go("https://a.com/").InFrameOf(kIsolatedA), "denied"},
          {"So is one that no scheme brings headers for", Go("ftp://a.com/x").InFrameOf(kIsolatedA),
           "denied"},
          {"So is one that came over plain http",
           Go("http://b.com/").InFrameOf(kIsolatedA).Coep("require-corp"), "denied"},
          {"Who asks is not isolated with the page", Go("https://a.com/").From(kIsolatedA), kA},
          {"A separated domain is not isolated so", Go("https://addons.mozilla.org/").Isolated(),
           "privilegedmozilla"},
          {"A reader of files is not isolated so", Go("https://reader.example/").Isolated(),
           "file"},
          {"A new tab has no headers yet", Go("https://a.com/").InNewTab().Isolated(), kA},
          {"A container's isolated page is the container's",
           Go("https://a.com/").Isolated().Container(2),
           "webCOOP+COEP=https://a.com^userContextId=2"},
          {"A data: frame in an isolated page stays in it",
           Go("data:,x").InFrameOf(kIsolatedA).From(kIsolatedA), kIsolatedA},
          {"An empty frame in an isolated page stays in it",
           Go("about:blank").InFrameOf(kIsolatedA).From(kIsolatedA), kIsolatedA},
          {"A blob of an isolated page stays in it", Go("blob:https://a.com/x").MadeBy(kIsolatedA),
           kIsolatedA},
      });
}

TEST_F(SelectRemoteTypeTest, WhatHasNoOriginGoesWhereItComesFrom) {
  ExpectAll(
      prefs_,
      {
          {"A data: that the user entered is nobody's", Go("data:text/html,x").ByUser(), "web"},
          {"Even where a page is said to have asked", Go("data:text/html,x").ByUser().From(kA),
           "web"},
          {"A data: of a page goes to the page", Go("data:text/html,x").From(kA), kA},
          {"A data: of a file goes to the file", Go("data:,x").From("file"), "file"},
          {"A data: of an extension goes to the extension", Go("data:,x").From("extension"),
           "extension"},
          {"A data: of nobody is nobody's", Go("data:,x"), "web"},
          {"A data: of the parent is nobody's", Go("data:,x").From("null"), "web"},
          {"A data: frame of the parent's is nobody's", Go("data:,x").InFrameOf("null"), "web"},
          {"A data: frame goes to its document", Go("data:,x").InFrameOf(kA), kA},
          {"A data: frame goes to who navigated it, first", Go("data:,x").InFrameOf(kA).From(kB),
           kB},
          {"A data: of another container is nobody's", Go("data:,x").From(kA).Container(1),
           "web^userContextId=1"},
          {"A data: of the same container goes to its page",
           Go("data:,x").From("webIsolated=https://a.com^userContextId=1").Container(1),
           "webIsolated=https://a.com^userContextId=1"},
          {"about:blank that the user opened is nobody's", Go("about:blank").ByUser(), "web"},
          {"about:blank of a page is the page's", Go("about:blank").From(kA), kA},
          {"about:blank of nobody is nobody's", Go("about:blank"), "web"},
          {"about:blank of the parent is nobody's", Go("about:blank").From("null"), "web"},
          {"about:blank in a tab of the parent's is nobody's", Go("about:blank").Where("null"),
           "web"},
          {"An empty frame is its document's", Go("about:blank").InFrameOf(kA), kA},
          {"An empty frame is who navigated it, first", Go("about:blank").InFrameOf(kA).From(kB),
           kB},
          {"An empty frame of the parent's is the parent's", Go("about:blank").InFrameOf("null"),
           "null"},
          {"Unless web content navigated it", Go("about:blank").InFrameOf("null").From(kA), kA},
          {"about:blank with a query is still that", Go("about:blank?x").From(kA), kA},
          {"srcdoc is its document's", Go("about:srcdoc").InFrameOf(kA), kA},
          {"srcdoc is not who asked for it", Go("about:srcdoc").InFrameOf(kA).From(kB), kA},
          {"srcdoc of the parent's is the parent's", Go("about:srcdoc").InFrameOf("null"), "null"},
          {"srcdoc in a tab is nothing", Go("about:srcdoc").From(kA), "invalid"},
          {"Unknown schemes are nobody's", Go("mailto:me@a.com").From(kA), "web"},
          {"So is ftp", Go("ftp://a.com/x"), "web"},
          {"So is a socket's address", Go("wss://a.com/"), "web"},
          {"So is resource:", Go("resource://gre/x"), "web"},
          {"Nobody's are apart by container", Go("ftp://a.com/x").Container(4),
           "web^userContextId=4"},
          {"javascript: loads nothing", Go("javascript:alert(1)").From(kA), "invalid"},
          {"Nor does it for the user", Go("javascript:alert(1)").ByUser(), "invalid"},
          {"Nor its source", Go("view-source:javascript:alert(1)"), "invalid"},
          {"Nor in a frame of the parent's", Go("javascript:x").InFrameOf("null"), "invalid"},
      });
}

TEST_F(SelectRemoteTypeTest, ABlobGoesToItsCreator) {
  ExpectAll(
      prefs_,
      {
          {"A page's blob goes to the page", Go("blob:https://a.com/x").MadeBy(kA), kA},
          {"Whoever asks for it", Go("blob:https://a.com/x").MadeBy(kA).From(kB), kA},
          {"Also in a frame of another", Go("blob:https://a.com/x").MadeBy(kA).InFrameOf(kB), kA},
          {"A file's blob has no origin", Go("blob:null/x").MadeBy("file"), "file"},
          {"A sandboxed frame's blob is its process's", Go("blob:null/x").MadeBy(kA), kA},
          {"An extension's blob is the extension's",
           Go("blob:moz-extension://abc/x").MadeBy("extension"), "extension"},
          {"An extension's frame in a page makes blobs there",
           Go("blob:moz-extension://abc/x").MadeBy(kA), kA},
          {"about:logins' blob is its process's, where that asks",
           Go("blob:null/x").MadeBy("privilegedabout").From("privilegedabout"), "privilegedabout"},
          {"Not where a page of the web does", Go("blob:null/x").MadeBy("privilegedabout").From(kA),
           "denied"},
          {"Nor where nobody is named", Go("blob:null/x").MadeBy("privilegedabout"), "denied"},
          {"A separated domain's blob is its process's",
           Go("blob:https://addons.mozilla.org/x").MadeBy("privilegedmozilla"),
           "privilegedmozilla"},
          {"A blob of the parent is nobody's", Go("blob:chrome://browser/x").MadeBy("null"), "web"},
          {"A blob without origin of the parent is nobody's", Go("blob:null/x").MadeBy("null"),
           "web"},
          {"A blob that claims another site is refused", Go("blob:https://b.com/x").MadeBy(kA),
           "denied"},
          {"Also of an isolated page", Go("blob:https://b.com/x").MadeBy(kIsolatedA), "denied"},
          {"A blob that claims the program is refused", Go("blob:chrome://browser/x").MadeBy(kA),
           "denied"},
          {"A shared process has no site to claim", Go("blob:https://a.com/x").MadeBy("web"),
           "denied"},
          {"about:logins has no site to claim",
           Go("blob:https://a.com/x").MadeBy("privilegedabout"), "denied"},
          {"A page cannot claim a separated domain",
           Go("blob:https://addons.mozilla.org/x").MadeBy("webIsolated=https://mozilla.org"),
           "denied"},
          {"A page cannot claim a reader of files", Go("blob:https://reader.example/x").MadeBy(kA),
           "denied"},
          {"A blob of another container is refused",
           Go("blob:https://a.com/x").MadeBy(kA).Container(1), "denied"},
          {"A blob of a blank is refused", Go("blob:null/x").MadeBy("prealloc"), "denied"},
          {"A blob that nobody made is where its origin is", Go("blob:https://a.com/x"), kA},
          {"One without origin is nobody's", Go("blob:null/x"), "web"},
          {"One of the program is nobody's", Go("blob:chrome://browser/x"), "web"},
          {"One of an extension is the extension's", Go("blob:moz-extension://abc/x"), "extension"},
          {"In an isolated page a blob needs its creator's embedder policy",
           Go("blob:https://b.com/x").MadeBy(kB).InFrameOf(kIsolatedA), "denied"},
          {"With it, it goes to its creator",
           Go("blob:https://b.com/x").MadeBy(kB).InFrameOf(kIsolatedA).Coep("require-corp"), kB},
          {"Over plain http it has none",
           Go("blob:http://b.com/x")
               .MadeBy("webIsolated=http://b.com")
               .InFrameOf(kIsolatedA)
               .Coep("require-corp"),
           "denied"},
          {"A blob that nobody made needs it too", Go("blob:https://b.com/x").InFrameOf(kIsolatedA),
           "denied"},
          {"So does one without origin", Go("blob:null/x").MadeBy(kB).InFrameOf(kIsolatedA),
           "denied"},
          {"So does the source of one",
           Go("view-source:blob:https://b.com/x").MadeBy(kB).InFrameOf(kIsolatedA), "denied"},
          {"An isolated page's blob has it",
           Go("blob:https://b.com/x").MadeBy("webCOOP+COEP=https://b.com").InFrameOf(kIsolatedA),
           "webCOOP+COEP=https://b.com"},
          {"So has one without origin of its own",
           Go("blob:null/x").MadeBy(kIsolatedA).InFrameOf(kIsolatedA), kIsolatedA},
          {"An extension's frame in an isolated page may show its blobs",
           Go("blob:moz-extension://abc/x").MadeBy(kIsolatedA).InFrameOf(kIsolatedA), kIsolatedA},
      });
}

TEST_F(SelectRemoteTypeTest, FilesAndExtensionsHaveProcessesOfTheirOwn) {
  ExpectAll(prefs_,
            {
                {"A file goes to file", Go("file:///home/me/a.html"), "file"},
                {"Also one on localhost", Go("file://localhost/a.html"), "file"},
                {"Also in a frame of a file", Go("file:///b").InFrameOf("file"), "file"},
                {"A private file is apart", Go("file:///a").Private(), "file^privateBrowsingId=1"},
                {"Its source is with it", Go("view-source:file:///a"), "file"},
                {"A site that may read files goes to file", Go("https://reader.example/"), "file"},
                {"So do the names below it", Go("https://www.reader.example/"), "file"},
                {"A name that only ends like it does not", Go("https://badreader.example/"),
                 "webIsolated=https://badreader.example"},
                {"Nor does it over another scheme", Go("http://reader.example/"),
                 "webIsolated=http://reader.example"},
                {"An extension's page goes to extension", Go("moz-extension://abc/popup.html"),
                 "extension"},
                {"Another extension's too", Go("moz-extension://def/popup.html"), "extension"},
                {"Its frame in a page stays in the page's process",
                 Go("moz-extension://abc/x").InFrameOf(kA), kA},
                {"Its frame in a file stays there", Go("moz-extension://abc/x").InFrameOf("file"),
                 "file"},
                {"Its frame in an extension stays there",
                 Go("moz-extension://abc/x").InFrameOf("extension"), "extension"},
                {"Its frame in the parent does not stay",
                 Go("moz-extension://abc/x").InFrameOf("null"), "extension"},
                {"A page's link to it goes to extension", Go("moz-extension://abc/x").From(kA),
                 "extension"},
                {"Private windows have one of their own", Go("moz-extension://abc/x").Private(),
                 "extension^privateBrowsingId=1"},
            });
}

TEST_F(SelectRemoteTypeTest, SeparatedDomainsAreThoseOfThePrefOverHttps) {
  ExpectAll(prefs_,
            {
                {"addons.mozilla.org is separated", Go("https://addons.mozilla.org/en/"),
                 "privilegedmozilla"},
                {"accounts.firefox.com is separated", Go("https://accounts.firefox.com/"),
                 "privilegedmozilla"},
                {"So are names below", Go("https://x.addons.mozilla.org/"), "privilegedmozilla"},
                {"And any port", Go("https://addons.mozilla.org:8443/"), "privilegedmozilla"},
                {"And a frame in another page", Go("https://addons.mozilla.org/").InFrameOf(kA),
                 "privilegedmozilla"},
                {"Their neighbours are not", Go("https://www.mozilla.org/"),
                 "webIsolated=https://mozilla.org"},
                {"Nor who ends like them", Go("https://badaddons.mozilla.org/"),
                 "webIsolated=https://mozilla.org"},
                {"Nor who begins like them", Go("https://addons.mozilla.org.b.com/"), kB},
                {"Nor the same with a dot at the end", Go("https://addons.mozilla.org./"),
                 "webIsolated=https://mozilla.org."},
                {"Nor over plain http", Go("http://addons.mozilla.org/"),
                 "webIsolated=http://mozilla.org"},
                {"A frame in them goes to its own site",
                 Go("https://a.com/").InFrameOf("privilegedmozilla"), kA},
                {"A container's are apart", Go("https://accounts.firefox.com/").Container(1),
                 "privilegedmozilla^userContextId=1"},
            });
  prefs_.separated_domains = {"a.com"};
  ExpectAll(prefs_, {{"Another list has others", Go("https://a.com/"), "privilegedmozilla"},
                     {"And not the usual ones", Go("https://addons.mozilla.org/"),
                      "webIsolated=https://mozilla.org"}});
}

TEST_F(SelectRemoteTypeTest, AboutPagesGoByTheirRow) {
  ExpectAll(
      prefs_,
      {
          {"about:logins is privileged", Go("about:logins").ByUser(), "privilegedabout"},
          {"about:loginsimportreport is privileged", Go("about:loginsimportreport").ByUser(),
           "privilegedabout"},
          {"about:privatebrowsing is privileged, in its own window",
           Go("about:privatebrowsing").ByUser().Private(), "privilegedabout^privateBrowsingId=1"},
          {"about:home is privileged", Go("about:home").ByUser(), "privilegedabout"},
          {"about:newtab is privileged", Go("about:newtab#x").ByUser(), "privilegedabout"},
          {"about:welcome is privileged", Go("about:welcome").ByUser(), "privilegedabout"},
          {"about:protections is privileged", Go("about:protections").ByUser(), "privilegedabout"},
          {"about:certificate is privileged", Go("about:certificate?cert=x").ByUser(),
           "privilegedabout"},
          {"A privileged page is not for web content", Go("about:logins").From(kA), "denied"},
          {"Nor in its frame", Go("about:logins").InFrameOf(kA), "denied"},
          {"It is for the parent's pages", Go("about:logins").From("null"), "privilegedabout"},
          {"And for its likes", Go("about:logins").From("privilegedabout"), "privilegedabout"},
          {"It is not for a page that nobody names", Go("about:logins"), "denied"},
          {"Nor for one of a blank process", Go("about:logins").From("prealloc"), "denied"},
          {"Nor in a new tab of nobody's", Go("about:newtab").InNewTab(), "denied"},
          {"Nor where the tab is the parent's", Go("about:logins").Where("null"), "denied"},
          {"Nor where it is privileged", Go("about:logins").Where("privilegedabout"), "denied"},
          {"In its likes' frame its document asks", Go("about:logins").InFrameOf("privilegedabout"),
           "privilegedabout"},
          {"But not where web content does",
           Go("about:logins").InFrameOf("privilegedabout").From(kA), "denied"},
          {"Nor where that is a blank process",
           Go("about:logins").InFrameOf("privilegedabout").From("prealloc"), "denied"},
          {"about:preferences is the parent's", Go("about:preferences").ByUser(), "null"},
          {"about:config is the parent's", Go("about:config").ByUser(), "null"},
          {"In any case", Go("ABOUT:ConFig").ByUser(), "null"},
          {"With a query", Go("about:config?filter=x").ByUser(), "null"},
          {"Without a container", Go("about:config").ByUser().Container(3), "null"},
          {"chrome: is the parent's", Go("chrome://browser/content/browser.xhtml").ByUser(),
           "null"},
          {"The parent's source is the parent's", Go("view-source:about:config").ByUser(), "null"},
          {"A privileged page may open the parent's",
           Go("about:preferences").From("privilegedabout"), "null"},
          {"The user may from anywhere", Go("about:preferences").ByUser().From(kA), "null"},
          {"Web content may not", Go("about:preferences").From(kA), "denied"},
          {"Nor a shared process", Go("about:preferences").From("web"), "denied"},
          {"Nor an extension", Go("about:preferences").From("extension"), "denied"},
          {"Nor chrome:", Go("chrome://browser/content/browser.xhtml").From(kA), "denied"},
          {"The parent's page is not for one that nobody names", Go("about:config"), "denied"},
          {"Nor for one of a blank process either", Go("about:config").From("prealloc"), "denied"},
          {"Nor is chrome:", Go("chrome://browser/content/browser.xhtml"), "denied"},
          {"Nor is its source", Go("view-source:about:config"), "denied"},
          {"The parent's page is no frame of web content", Go("about:config").InFrameOf(kA),
           "denied"},
          {"Nor of a privileged page's", Go("about:config").InFrameOf("privilegedabout"), "denied"},
          {"Nor if the user asks", Go("about:config").InFrameOf(kA).ByUser(), "denied"},
          {"In the parent's frame it is the parent's", Go("about:config").InFrameOf("null"),
           "null"},
          {"Unless web content asks there", Go("about:config").InFrameOf("null").From(kA),
           "denied"},
          {"Or a blank process", Go("about:config").InFrameOf("null").From("prealloc"), "denied"},
          {"A worker of the parent's may be chrome:'s",
           Go("chrome://browser/w.js").AsSharedWorkerOf("null"), "null"},
          {"about:credits is nobody's", Go("about:credits").From(kA), "web"},
          {"about:reader is nobody's", Go("about:reader?url=x"), "web"},
          {"An unknown page is nobody's", Go("about:nosuchpage"), "web"},
          {"An error page stays where the tab is", Go("about:neterror?e=x").Where(kA), kA},
          {"In a new tab it is nobody's", Go("about:neterror"), "web"},
          {"In a frame it is its document's", Go("about:certerror").InFrameOf(kA), kA},
          {"In a tab of the parent's it is nobody's", Go("about:neterror").Where("null"), "web"},
          {"In another container it is nobody's", Go("about:neterror").Where(kA).Container(1),
           "web^userContextId=1"},
      });
}

TEST_F(SelectRemoteTypeTest, PagesOfAParentThatLaysOutNothingArePrivileged) {
  ExpectAll(
      prefs_,
      {
          {"about:config", Go("about:config").ByUser().NotInParent(), "privilegedabout"},
          {"about:processes", Go("about:processes").ByUser().NotInParent(), "privilegedabout"},
          {"about:memory with a query", Go("ABOUT:Memory?x").ByUser().NotInParent(),
           "privilegedabout"},
          {"Their source", Go("view-source:about:config").ByUser().NotInParent(),
           "privilegedabout"},
          {"chrome:", Go("chrome://browser/content/browser.xhtml").ByUser().NotInParent(),
           "privilegedabout"},
          {"They have no container", Go("about:config").ByUser().Container(3).NotInParent(),
           "privilegedabout"},
          {"Nor a private one", Go("about:config").ByUser().Private().NotInParent(),
           "privilegedabout"},
          {"In a new tab", Go("about:config").ByUser().InNewTab().NotInParent(), "privilegedabout"},
          {"Their likes may open them", Go("about:config").From("privilegedabout").NotInParent(),
           "privilegedabout"},
          {"Web content may not", Go("about:config").From(kA).NotInParent(), "denied"},
          {"Nor a file", Go("about:config").From("file").NotInParent(), "denied"},
          {"Nor an extension", Go("about:processes").From("extension").NotInParent(), "denied"},
          {"Nor a page that nobody names", Go("about:config").NotInParent(), "denied"},
          {"Nor chrome:", Go("chrome://browser/x").From("web").NotInParent(), "denied"},
          {"They are no frame of web content", Go("about:config").InFrameOf(kA).NotInParent(),
           "denied"},
          {"Nor if the user asks", Go("about:config").InFrameOf(kA).ByUser().NotInParent(),
           "denied"},
          {"Nor of a privileged page, though it is the same process",
           Go("about:config").InFrameOf("privilegedabout").NotInParent(), "denied"},
          {"An edit is a page as any other", Go("about:config?set=a=1").From(kA).NotInParent(),
           "denied"},
      });
}

TEST_F(SelectRemoteTypeTest, AttributesAreKept) {
  ExpectAll(prefs_,
            {
                {"A container is apart", Go("https://a.com/").Container(2),
                 "webIsolated=https://a.com^userContextId=2"},
                {"Private browsing is apart", Go("https://a.com/").Private(),
                 "webIsolated=https://a.com^privateBrowsingId=1"},
                {"Both are another", Go("https://a.com/").Private().Container(2),
                 "webIsolated=https://a.com^userContextId=2&privateBrowsingId=1"},
                {"about:home is apart too", Go("about:home").ByUser().Container(2),
                 "privilegedabout^userContextId=2"},
                {"A frame with others than its document is nothing",
                 Go("https://a.com/").InFrameOf(kB).Container(2), "invalid"},
                {"A frame in the parent may have any",
                 Go("https://a.com/").InFrameOf("null").Container(2),
                 "webIsolated=https://a.com^userContextId=2"},
                {"A worker with others than its document is nothing",
                 Go("https://a.com/w.js").AsWorkerOf(kA).Private(), "invalid"},
                {"A service worker is apart", Go("https://a.com/w.js").AsServiceWorker().Private(),
                 "webIsolated=https://a.com^privateBrowsingId=1"},
            });
}

TEST_F(SelectRemoteTypeTest, WorkersAndNewTabsGoByTheSameRules) {
  ExpectAll(
      prefs_,
      {
          {"A dedicated worker is where its document is", Go("https://a.com/w.js").AsWorkerOf(kA),
           kA},
          {"Also an isolated one", Go("https://a.com/w.js").AsWorkerOf(kIsolatedA), kIsolatedA},
          {"Also of data:", Go("data:,x").AsWorkerOf(kA), kA},
          {"Also of a blob", Go("blob:https://a.com/x").AsWorkerOf(kA), kA},
          {"The program's own may be the parent's",
           Go("resource://gre/modules/w.js").AsWorkerOf("null"), "null"},
          {"Another is not", Go("https://a.com/w.js").AsWorkerOf("null"), "denied"},
          {"Nor is data:", Go("data:,x").AsWorkerOf("null"), "denied"},
          {"A shared worker goes to its site", Go("https://a.com/w.js").AsSharedWorkerOf(kA), kA},
          {"Also one of another site", Go("https://a.com/w.js").AsSharedWorkerOf(kB), kA},
          {"A shared worker of an isolated page is isolated by its policy",
           Go("https://a.com/w.js").AsSharedWorkerOf(kIsolatedA).Coep("require-corp"), kIsolatedA},
          {"Without one it is not", Go("https://a.com/w.js").AsSharedWorkerOf(kIsolatedA), kA},
          {"Nor one of another site",
           Go("https://b.com/w.js").AsSharedWorkerOf(kIsolatedA).Coep("require-corp"), kB},
          {"A shared worker of data: is its document's", Go("data:,x").AsSharedWorkerOf(kA), kA},
          {"Of the parent it is nobody's", Go("data:,x").AsSharedWorkerOf("null"), "web"},
          {"A shared worker of chrome: is not for web content",
           Go("chrome://browser/w.js").AsSharedWorkerOf(kA), "denied"},
          {"An extension's is in extension",
           Go("moz-extension://abc/w.js").AsSharedWorkerOf("extension"), "extension"},
          {"A service worker goes to its site", Go("https://www.a.com/w.js").AsServiceWorker(), kA},
          {"Headers do not isolate it", Go("https://a.com/w.js").AsServiceWorker().Isolated(), kA},
          {"An extension's background goes to extension",
           Go("moz-extension://abc/w.js").AsServiceWorker(), "extension"},
          {"A separated domain's is in its process",
           Go("https://accounts.firefox.com/w.js").AsServiceWorker(), "privilegedmozilla"},
          {"There is none of data:", Go("data:,x").AsServiceWorker(), "invalid"},
          {"Nor of a blob", Go("blob:https://a.com/x").AsServiceWorker(), "invalid"},
          {"Nor of a file", Go("file:///w.js").AsServiceWorker(), "invalid"},
          {"about: is no worker", Go("about:blank").AsSharedWorkerOf(kA), "invalid"},
          {"Nor a dedicated one", Go("about:config").AsWorkerOf("null"), "invalid"},
          {"A worker of a blank process is nothing", Go("https://a.com/w").AsWorkerOf("prealloc"),
           "invalid"},
          {"A frame without document is nothing", Go("https://a.com/").InFrame(), "invalid"},
          {"A frame is no new tab", Go("https://a.com/").InNewTab().InFrameOf(kA), "invalid"},
          {"A new tab goes to the site that it will show", Go("https://a.com/").InNewTab(), kA},
          {"A new tab for a file goes to file", Go("file:///a").InNewTab(), "file"},
          {"A new tab for nothing is nobody's", Go("about:blank").InNewTab().ByUser(), "web"},
          {"A new tab for about:newtab is privileged", Go("about:newtab").ByUser().InNewTab(),
           "privilegedabout"},
          {"A new tab for about:preferences is the parent's",
           Go("about:preferences").ByUser().InNewTab(), "null"},
      });
}

TEST_F(SelectRemoteTypeTest, ToAndFromTheParentIsFullIsolation) {
  EXPECT_EQ(Select(Go("about:config").ByUser().Where(kA)).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("about:config").ByUser()).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("https://a.com/").Where("null")).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("https://a.com/").InFrameOf("null")).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("about:blank").ByUser().Where("null")).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("about:config").ByUser().Where("null")).isolation, Isolation::kNone);
  EXPECT_EQ(Select(Go("about:config").InFrameOf("null")).isolation, Isolation::kNone);
}

TEST_F(SelectRemoteTypeTest, ToAndFromTheParentInItsOwnFrameIsFullIsolation) {
  for (const char* const url : {"about:blank", "about:srcdoc", "about:config"}) {
    const Go in_frame = Go(url).InFrameOf("null").From("null");
    EXPECT_EQ(Select(Go(in_frame).Where(kA)).isolation, Isolation::kFull) << url;
    EXPECT_EQ(Select(Go(in_frame).Where("null")).isolation, Isolation::kNone) << url;
    EXPECT_EQ(Select(in_frame).isolation, Isolation::kNone) << url;
  }
  EXPECT_EQ(Select(Go("https://a.com/").InFrameOf("null").Where("null")).isolation,
            Isolation::kFull);
  EXPECT_EQ(Select(Go("https://a.com/").InFrameOf(kB).Where("null")).isolation, Isolation::kFull);
}

TEST_F(SelectRemoteTypeTest, SitesOfOneGroupCanReachEachOther) {
  EXPECT_EQ(Select(Go("https://a.com/").Where(kB)).isolation, Isolation::kNone);
  EXPECT_EQ(Select(Go("https://a.com/")).isolation, Isolation::kNone);
  EXPECT_EQ(Select(Go("https://a.com/").InFrameOf(kB)).isolation, Isolation::kNone);
}

TEST_F(SelectRemoteTypeTest, CrossOriginIsolatedPagesAndExtensionsHaveGroupsOfTheirOwn) {
  EXPECT_EQ(Select(Go("https://a.com/").Isolated().Where(kA)).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("https://a.com/").Where(kIsolatedA)).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("https://a.com/").Isolated().Where(kIsolatedA)).isolation, Isolation::kNone);
  EXPECT_EQ(Select(Go("moz-extension://abc/x").Where(kA)).isolation, Isolation::kFull);
  EXPECT_EQ(Select(Go("https://a.com/").Where("extension")).isolation, Isolation::kFull);
  // A window that such a page opens is empty first, and the page's own.
  EXPECT_EQ(Select(Go("about:blank").From(kIsolatedA)).isolation, Isolation::kNone);
}

TEST_F(SelectRemoteTypeTest, OnlyIsolatedPagesAndPrivilegedExtensionsMayShareMemory) {
  EXPECT_EQ(Select(Go("https://a.com/").Isolated()).shared_memory, MemorySharing::kMay);
  EXPECT_EQ(Select(Go("https://a.com/")).shared_memory, MemorySharing::kNever);
  EXPECT_EQ(Select(Go("file:///a")).shared_memory, MemorySharing::kNever);
  EXPECT_EQ(Select(Go("about:logins").ByUser()).shared_memory, MemorySharing::kNever);
  EXPECT_EQ(Select(Go("moz-extension://a/")).shared_memory, MemorySharing::kNever);
  EXPECT_EQ(Select(Go("moz-extension://a/").OfPrivilegedExtension()).shared_memory,
            MemorySharing::kMay);
  // The rank is that of a page of the extension's, not of what else comes into its process or of
  // its frames elsewhere.
  EXPECT_EQ(Select(Go("data:,x").From("extension").OfPrivilegedExtension()).shared_memory,
            MemorySharing::kNever);
  EXPECT_EQ(Select(Go("moz-extension://a/").InFrameOf(kA).OfPrivilegedExtension()).shared_memory,
            MemorySharing::kNever);
}

TEST_F(SelectRemoteTypeTest, AnOrdinaryExtensionsFrameInAnIsolatedPageMayNotShareItsMemory) {
  for (const char* const url :
       {"moz-extension://a/", "view-source:moz-extension://a/", "blob:moz-extension://a/x"}) {
    const Go in_frame = Go(url).InFrameOf(kIsolatedA).MadeBy(kIsolatedA);
    ASSERT_EQ(Select(in_frame).type, Type(kIsolatedA)) << url;
    EXPECT_EQ(Select(in_frame).shared_memory, MemorySharing::kNever) << url;
    EXPECT_EQ(Select(Go(in_frame).OfPrivilegedExtension()).shared_memory, MemorySharing::kMay)
        << url;
  }
  EXPECT_EQ(Select(Go("moz-extension://a/w.js").AsWorkerOf(kIsolatedA)).shared_memory,
            MemorySharing::kNever);
}

TEST_F(SelectRemoteTypeTest, AnErrorNamesTheUrl) {
  absl::StatusOr<Selection> selection =
      SelectRemoteType(Go("about:config").From(kA).load(), prefs_, list_);
  EXPECT_EQ(selection.status().message(), "about:config: not for web content");
  selection = SelectRemoteType(Go("about:logins").load(), prefs_, list_);
  EXPECT_EQ(selection.status().message(), "about:logins: not for a page that nobody names");
}

// Everything with everything: no URL of the web is answered with the parent, whoever asks,
// wherever.
TEST_F(SelectRemoteTypeTest, WebContentIsNeverInTheParent) {
  const std::vector<const char*> urls = {"https://a.com/",
                                         "http://127.0.0.1/",
                                         "https://addons.mozilla.org/",
                                         "https://reader.example/",
                                         "file:///etc/passwd",
                                         "data:text/html,x",
                                         "blob:https://a.com/x",
                                         "blob:null/x",
                                         "blob:chrome://browser/x",
                                         "blob:moz-extension://a/x",
                                         "moz-extension://a/x",
                                         "view-source:https://a.com/",
                                         "view-source:data:,x",
                                         "about:logins",
                                         "about:neterror",
                                         "about:reader",
                                         "about:nosuchpage",
                                         "ws://a.com/",
                                         "mailto:a@b",
                                         "foo:bar",
                                         "resource://gre/x",
                                         "javascript:x",
                                         "about:blank",
                                         "about:srcdoc",
                                         "about:config",
                                         "chrome://browser/x"};
  const std::vector<std::optional<RemoteType>> documents = {
      std::nullopt, RemoteType(),     ParentRemoteType(), Type("web"),
      Type(kA),     Type(kIsolatedA), Type("extension"),  Type("privilegedabout")};
  const std::vector<std::optional<RemoteType>> shown = {RemoteType(), ParentRemoteType(), Type(kA),
                                                        Type("privilegedabout")};
  int in_parent = 0;
  int not_in_parent = 0;
  int loads = 0;
  for (const ModelPrefs* prefs : {&prefs_, &without_isolation_}) {
    for (const char* url : urls) {
      Load load = {.url = *Url::Parse(url)};
      load.opener_policy = "same-origin";
      for (const LoadKind kind :
           {LoadKind::kDocument, LoadKind::kNewTab, LoadKind::kDedicatedWorker,
            LoadKind::kSharedWorker, LoadKind::kServiceWorker}) {
        for (const FramePosition frame : {FramePosition::kTopLevel, FramePosition::kSubframe}) {
          for (const InitiatedBy by : {InitiatedBy::kPage, InitiatedBy::kUser}) {
            for (const auto& owner : documents) {
              for (const auto& initiator : documents) {
                for (const auto& current : shown) {
                  load.kind = kind;
                  load.frame = frame;
                  load.initiated_by = by;
                  load.owner = owner;
                  load.initiator = initiator;
                  load.current = *current;
                  load.blob_creator = current;
                  absl::StatusOr<Selection> selection = SelectRemoteType(load, *prefs, list_);
                  ++loads;
                  load.parent_pages = ParentPages::kInPrivilegedProcess;
                  const absl::StatusOr<Selection> elsewhere = SelectRemoteType(load, *prefs, list_);
                  load.parent_pages = ParentPages::kInParent;
                  // The same rights; and another place for what the parent would have laid out.
                  ASSERT_EQ(elsewhere.status(), selection.status()) << url;
                  if (!selection.ok()) continue;
                  if (elsewhere->type != selection->type) {
                    ++not_in_parent;
                    ASSERT_EQ(selection->type, ParentRemoteType()) << url;
                    ASSERT_EQ(elsewhere->type, Type("privilegedabout")) << url;
                  } else if (elsewhere->type.kind == RemoteTypeKind::kParent) {
                    // What the parent's own documents have, of which there are none then.
                    ASSERT_EQ(owner, ParentRemoteType()) << url;
                  }
                  ASSERT_NE(selection->type.kind, RemoteTypeKind::kPrealloc) << url;
                  ASSERT_TRUE(RemoteType::Parse(selection->type.ToString()).ok());
                  if (selection->type.kind != RemoteTypeKind::kParent) continue;
                  ++in_parent;
                  // Of what has no origin only the parent's own, in its own frames.
                  ASSERT_TRUE(MayBeInParent(load.url)) << url;
                  if (load.url.path() == "blank" || load.url.path() == "srcdoc") {
                    ASSERT_EQ(owner, ParentRemoteType()) << url;
                  }
                }
              }
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(loads, 2 * 26 * 5 * 2 * 2 * 8 * 8 * 4);
  EXPECT_GT(in_parent, 0);
  EXPECT_GT(not_in_parent, 0);
}

}  // namespace
}  // namespace forkserver
