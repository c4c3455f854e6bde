// The content side of about:processes and about:config, against parents that answer, refuse, are
// silent and hang up. All in one process and one loop.
#include "examples/browser_host/about/about_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "transceiver/actor/actor.h"
#include "transceiver/actor/resolver.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

using forkserver::EventLoop;
using forkserver::NowNanos;
using forkserver::Resolver;
using ::testing::HasSubstr;

// What a parent does. Each default is an empty list, and an edit that was done.
struct Conduct {
  std::function<void(uint32_t first, Resolver<ProcessesListed> resolver)> on_processes =
      [](uint32_t, Resolver<ProcessesListed> resolver) { resolver.Resolve({}).IgnoreError(); };
  std::function<void(Resolver<PrefsListed> resolver)> on_prefs =
      [](Resolver<PrefsListed> resolver) { resolver.Resolve({.is_last = true}).IgnoreError(); };
  std::function<void(Resolver<PrefSet> resolver)> on_set = [](Resolver<PrefSet> resolver) {
    resolver.Resolve({}).IgnoreError();
  };
};

class Parent : public forkserver::Actor<Parent, AboutData, forkserver::Side::kParent> {
 public:
  explicit Parent(Conduct conduct) : conduct_(std::move(conduct)) {}
  absl::Status Receive(GetProcesses& message, Resolver<ProcessesListed> resolver) {
    conduct_.on_processes(message.first, std::move(resolver));
    return absl::OkStatus();
  }
  absl::Status Receive(GetPrefs&, Resolver<PrefsListed> resolver) {
    conduct_.on_prefs(std::move(resolver));
    return absl::OkStatus();
  }
  absl::Status Receive(SetPref&, Resolver<PrefSet> resolver) {
    conduct_.on_set(std::move(resolver));
    return absl::OkStatus();
  }

 private:
  Conduct conduct_;
};

class AboutClientTest : public ::testing::Test {
 protected:
  AboutClientTest() { Make({}); }

  void Make(AboutClient::Options options) {
    if (!options.need_data) options.need_data = [this] { Connect(); };
    client_ = std::make_unique<AboutClient>(*loop_, std::move(options));
  }
  void Connect() {
    ++connections_;
    auto ends = forkserver::CreateEndpoints<AboutData>({.pid = getpid()}, {.pid = getpid()});
    ASSERT_TRUE(ends.ok()) << ends.status();
    parent_ = std::make_unique<Parent>(conduct_);
    ASSERT_TRUE(parent_->Bind(*loop_, std::move(ends->parent)).ok());
    client_->Connect(std::move(ends->child));
  }
  void Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 30 * forkserver::kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop_->Run(deadline);
    EXPECT_TRUE(done());
  }
  std::shared_ptr<std::string> Ask(std::string_view url) {
    auto said = std::make_shared<std::string>();
    client_->Get(url, [said](const absl::StatusOr<std::string>& html) {
      EXPECT_EQ(*said, "") << "once";
      *said = html.ok() ? *html : html.status().ToString();
    });
    return said;
  }
  std::string Get(std::string_view url) {
    const auto said = Ask(url);
    Until([&] { return !said->empty(); });
    return *said;
  }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  Conduct conduct_;
  std::unique_ptr<Parent> parent_;
  std::unique_ptr<AboutClient> client_;
  int connections_ = 0;
};

TEST_F(AboutClientTest, KnowsItsPages) {
  EXPECT_TRUE(AboutClient::Shows("about:config"));
  EXPECT_TRUE(AboutClient::Shows("about:config?nothing=known"));
  EXPECT_TRUE(AboutClient::Shows("ABOUT:processes#x"));
  EXPECT_FALSE(AboutClient::Shows("about:memory"));
  EXPECT_FALSE(AboutClient::Shows("https://a.test/about:config"));
}

TEST_F(AboutClientTest, AsksForTheDataOnceHoweverManyWait) {
  const auto first = Ask("about:processes");
  const auto second = Ask("about:config");
  EXPECT_EQ(connections_, 0) << "not within Get";
  Until([&] { return !first->empty() && !second->empty(); });
  EXPECT_THAT(*first, HasSubstr("<title>Processes</title>"));
  EXPECT_THAT(*second, HasSubstr("<title>Prefs</title>"));
  EXPECT_EQ(connections_, 1);
  EXPECT_EQ(client_->pages(), 0u);
}

TEST_F(AboutClientTest, IsToldThatThereIsNoData) {
  Make({.need_data = [this] { client_->Fail(absl::PermissionDeniedError("not for you")); }});
  EXPECT_EQ(Get("about:config"), "PERMISSION_DENIED: not for you");
  EXPECT_EQ(Get("about:config"), "PERMISSION_DENIED: not for you") << "and asks again";
}

TEST_F(AboutClientTest, RefusedListOrEditIsTheError) {
  conduct_.on_processes = [](uint32_t, Resolver<ProcessesListed> resolver) {
    resolver.Reject(absl::ResourceExhaustedError("asked too often"));
  };
  conduct_.on_set = [](Resolver<PrefSet> resolver) {
    resolver.Reject(absl::PermissionDeniedError("a: is locked"));
  };
  EXPECT_EQ(Get("about:processes"), "RESOURCE_EXHAUSTED: asked too often");
  EXPECT_EQ(Get("about:config?set=a=b"), "PERMISSION_DENIED: not set: a: is locked");
}

TEST_F(AboutClientTest, SilentParentHasADeadline) {
  Make({.patience = absl::Milliseconds(20)});
  std::vector<Resolver<PrefsListed>> kept;
  conduct_.on_prefs = [&](Resolver<PrefsListed> resolver) { kept.push_back(std::move(resolver)); };
  EXPECT_EQ(Get("about:config"), "DEADLINE_EXCEEDED: no answer in time");
  // An answer that comes later is nobody's.
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].Resolve({.is_last = true}).ok());
  EXPECT_THAT(Get("about:processes"), HasSubstr("<title>Processes</title>"));
}

TEST_F(AboutClientTest, ParentThatHangsUpLosesWhatWasBegunAndNoMore) {
  std::vector<Resolver<PrefSet>> kept;
  conduct_.on_set = [&](Resolver<PrefSet> resolver) { kept.push_back(std::move(resolver)); };
  for (const bool says_goodbye : {true, false}) {
    const auto edit = Ask("about:config?set=a=b");
    Until([&] { return !kept.empty(); });
    if (says_goodbye) {
      parent_->Close();
    } else {
      parent_.reset();
    }
    Until([&] { return !edit->empty(); });
    EXPECT_THAT(*edit, HasSubstr("UNAVAILABLE"));
    kept.clear();
    EXPECT_THAT(Get("about:processes"), HasSubstr("<title>Processes</title>"));
  }
  EXPECT_EQ(connections_, 3);
}

// Pieces that promise more and bring none.
TEST_F(AboutClientTest, ListThatBringsNothingMoreIsOver) {
  int asked = 0;
  conduct_.on_processes = [&](uint32_t first, Resolver<ProcessesListed> resolver) {
    ++asked;
    ProcessesListed listed = {.count = 1000};
    if (first == 0) listed.rows.items.push_back({.pid = 4711});
    resolver.Resolve(listed).IgnoreError();
  };
  conduct_.on_prefs = [&](Resolver<PrefsListed> resolver) {
    ++asked;
    resolver.Resolve({.is_last = false}).IgnoreError();
  };
  EXPECT_THAT(Get("about:processes"), HasSubstr(">4711</td>"));
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(Get("about:config"), HasSubstr("<p>0 of 0 prefs.</p>"));
  EXPECT_EQ(asked, 3);
}

TEST_F(AboutClientTest, HasABoundOnWhatWaits) {
  Make({.most_pages = 2, .need_data = [] {}});
  const auto first = Ask("about:config");
  const auto second = Ask("about:config");
  EXPECT_EQ(*Ask("about:config"), "RESOURCE_EXHAUSTED: 2 pages wait already");
  client_.reset();
  EXPECT_EQ(*first + *second, "") << "dropped uncalled";
}

TEST_F(AboutClientTest, MayBeDestroyedInACallback) {
  bool is_called = false;
  client_->Get("about:config", [&](const auto&) {
    is_called = true;
    client_.reset();
  });
  client_->Get("about:config", [](const auto&) { ADD_FAILURE() << "it is dropped"; });
  Until([&] { return is_called; });
  is_called = false;
  Make({.need_data = [this] { client_->Fail(absl::UnavailableError("no")); }});
  client_->Get("about:config", [&](const auto&) {
    is_called = true;
    client_.reset();
  });
  client_->Get("about:config", [](const auto&) { ADD_FAILURE() << "it is dropped"; });
  Until([&] { return is_called; });
}

}  // namespace
}  // namespace browser_host
