// What may be nested below a page: where a url goes that a content process asks for, and who
// refuses it.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "forkserver/model/nested_content.h"
#include "tests/forkserver/model/model_program.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return ModelHost(); }

namespace {

using testing::ModelTest;

constexpr std::string_view kOneReaderOfFiles =
    "user_pref(\"capability.policy.policynames\", \"p\");"
    "user_pref(\"capability.policy.p.checkloaduri.enabled\", \"allAccess\");"
    "user_pref(\"capability.policy.p.sites\", \"https://reader.test\");";

// Of a nested process of the owner's, its remote type; or why there is none.
std::string TypeBelow(ModelTest& model, const OpenedBrowser& owner, std::string_view url) {
  const std::string answer = model.AskOf(
      owner.process, "nest",
      absl::StrCat(owner.browser, " ", owner.selection.type.site, " ", std::string(url)));
  if (answer.substr(0, 7) != "bridge ") return answer;
  return model.content().processes().back()->remote_type().ToString();
}

absl::StatusOr<OpenedBrowser> OpenIsolated(ModelTest& model) {
  return model.Open({.load = {.url = *Url::Parse("https://a.test/"),
                              .initiated_by = InitiatedBy::kUser,
                              .opener_policy = "same-origin",
                              .embedder_policy = "require-corp"}});
}

HOST_TEST(NestedSelection, BlobIsItsOwnersWhateverOriginItClaims) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  EXPECT_EQ(TypeBelow(model, *owner, "blob:https://a.test/id"), "webIsolated=https://a.test");
  EXPECT_EQ(TypeBelow(model, *owner, "blob:null/id"), "webIsolated=https://a.test");
  EXPECT_EQ(TypeBelow(model, *owner, "blob:moz-extension://abc/id"), "webIsolated=https://a.test");
  const size_t processes = model.content().processes().size();
  for (const std::string made_up :
       {"blob:https://bank.test/id", "view-source:blob:https://bank.test/id",
        "blob:http://a.test/id", "blob:https://addons.mozilla.org/id",
        "blob:chrome://browser/id"}) {
    EXPECT_EQ(TypeBelow(model, *owner, made_up), made_up + ": not of webIsolated=https://a.test");
  }
  EXPECT_EQ(model.content().processes().size(), processes);
  EXPECT_TRUE(model.log().empty());
}

HOST_TEST(NestedSelection, OwnBlobOfAnIsolatedPageStaysInItsType) {
  ModelTest model(server);
  const auto owner = OpenIsolated(model);
  EXPECT_EQ(TypeBelow(model, *owner, "blob:https://a.test/id"), "webCOOP+COEP=https://a.test");
  EXPECT_EQ(TypeBelow(model, *owner, "blob:https://b.test/id"),
            "blob:https://b.test/id: not of webCOOP+COEP=https://a.test");
}

HOST_TEST(NestedSelection, BlobOfAnotherIsWhoseTheProgramSays) {
  ModelTest model(server);
  model.SetBlobCreator("blob:https://b.test/id", *RemoteType::Parse("webIsolated=https://b.test"));
  model.SetBlobCreator("blob:https://c.test/id", *RemoteType::Parse("webIsolated=https://b.test"));
  const auto owner = model.Open("https://a.test/");
  EXPECT_EQ(TypeBelow(model, *owner, "blob:https://b.test/id"), "webIsolated=https://b.test");
  EXPECT_EQ(TypeBelow(model, *owner, "view-source:blob:https://b.test/id"),
            "webIsolated=https://b.test");
  EXPECT_EQ(TypeBelow(model, *owner, "blob:https://c.test/id"),
            "blob:https://c.test/id: not of webIsolated=https://b.test");
}

HOST_TEST(NestedSelection, BlobOfAnotherBelowSharedMemoryAgreesToItAsAPageDoes) {
  ModelTest model(server);
  const std::string url = "blob:https://b.test/id";
  model.SetBlobCreator(url, *RemoteType::Parse("webIsolated=https://b.test"));
  const auto owner = OpenIsolated(model);
  EXPECT_EQ(TypeBelow(model, *owner, url),
            url + ": no embedder policy, in a document that has one");
  model.SetEmbedderPolicy(url, "require-corp");
  EXPECT_EQ(TypeBelow(model, *owner, url), "webIsolated=https://b.test");
}

HOST_TEST(NestedSelection, SitesThatReadFilesAreBelowFilesOnlyToo) {
  ModelTest model(server);
  model.SetPrefs(kOneReaderOfFiles);
  const auto owner = model.Open("https://a.test/");
  EXPECT_EQ(TypeBelow(model, *owner, "https://reader.test/"),
            "content 1 (webIsolated=https://a.test) may have no files below it");
  EXPECT_EQ(model.content().processes().size(), 1u);
}

HOST_TEST(NestedSelection, FilesAreBelowFilesWhereThePrefLetsThose) {
  ModelTest model(server);
  model.SetPrefs(kOneReaderOfFiles);
  model.SetPrefs("user_pref(\"dom.ipc.nested.remoteTypes\", \"file\");");
  const auto owner = model.Open("file:///tmp/x.html");
  EXPECT_EQ(TypeBelow(model, *owner, "https://reader.test/"), "file");
  EXPECT_EQ(TypeBelow(model, *owner, "file:///tmp/y.html"), "file");
}

HOST_TEST(NestedSelection, RightThatIsTakenAwayOpensNothingMoreAndClosesNothing) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  ASSERT_EQ(TypeBelow(model, *owner, "https://b.test/"), "webIsolated=https://b.test");
  model.SetPrefs("user_pref(\"dom.ipc.nested.remoteTypes\", \"extension\");");
  constexpr char kMayNot[] =
      "content 1 (webIsolated=https://a.test): processes of its kind may have none below them";
  EXPECT_EQ(model.AskOf(owner->process, "more", "1 https://a.test 1 https://b.test/"), kMayNot);
  EXPECT_EQ(TypeBelow(model, *owner, "https://b.test/"), kMayNot);
  EXPECT_EQ(model.AskOf(owner->process, "bridge", "1 still"), "still back");
  EXPECT_EQ(model.AskOf(model.content().processes().back(), "browsers"), "2 https://b.test");
  EXPECT_TRUE(model.log().empty());
  model.SetPrefs("user_pref(\"dom.ipc.nested.remoteTypes\", \"webIsolated\");");
  EXPECT_EQ(model.AskOf(owner->process, "more", "1 https://a.test 1 https://b.test/"), "3");
}

HOST_TEST(NestedSelection, RightThatIsTakenAwayDuringTheLaunchEndsWhatIsLaunched) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  std::optional<std::string> answer;
  ASSERT_TRUE(static_cast<testing::TestContent&>(*owner->process)
                  .Call(testing::Ask{.what = "nest", .about = "1 https://a.test https://b.test/"},
                        [&](absl::StatusOr<testing::Said> said) {
                          answer =
                              said.ok() ? said->text.str() : std::string(said.status().message());
                        })
                  .ok());
  model.Until([&] { return model.content().nested().bridges() > 0; });
  model.SetPrefs("user_pref(\"dom.ipc.nested.remoteTypes\", \"extension\");");
  model.Until([&] { return answer && model.content().processes().size() == 1; });
  EXPECT_EQ(answer,
            "content 1 (webIsolated=https://a.test): processes of its kind may have none below "
            "them");
}

HOST_TEST(NestedSelection, NestedProcessIsToldTheAddressAsAnyOther) {
  ModelTest model(server);
  const auto owner = model.Open("https://a.test/");
  ASSERT_EQ(TypeBelow(model, *owner, "https://me:secret@www.B.test:443/app?x#/route"),
            "webIsolated=https://b.test");
  ASSERT_EQ(model.AskOf(owner->process, "more", "1 https://a.test 1 https://you@b.test#top"), "3");
  EXPECT_EQ(model.AskOf(model.content().processes().back(), "addresses"),
            "2 https://www.b.test/app?x#/route;3 https://b.test/#top");
}

}  // namespace
}  // namespace forkserver
