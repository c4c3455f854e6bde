// What the parent knows of browsers, held against the same rules written down a second time, in
// the plainest way: after any sequence of openings, claims, closes, confirmations and deaths the
// two agree on every browser.
//
// An input is operations of four bytes: which one, and three small numbers.
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "forkserver/model/browser_records.h"
#include "tests/fuzz/require.h"

namespace forkserver {
namespace {

constexpr size_t kMostOperations = 256;
// So few processes, bridges and groups that operations meet.
constexpr uint64_t kProcesses = 5;
constexpr uint64_t kBridges = 4;
constexpr uint64_t kGroups = 3;

BrowserContext ContextOf(uint8_t number) {
  return {.site = (number & 1) != 0   ? "https://a.test"
                  : (number & 2) != 0 ? "https://b.test"
                                      : "",
          .attributes = {.user_context_id = (number >> 2) & 1u}};
}

// The rules once more. Nothing is ever taken out: a browser is open, closing or gone.
class PlainRecords {
 public:
  enum class Answer : uint8_t { kGood, kClosing, kFault };

  struct Browser {
    BrowserRecord record;
    bool is_open = true;
    bool is_discarded = false;
    std::set<ChildId> have_heard;
    std::set<std::string> grants;

    bool IsGone() const {
      const auto silent = [this](ChildId who) { return have_heard.contains(who); };
      return is_discarded ||
             (!is_open && silent(record.process) && (record.owner == 0 || silent(record.owner)));
    }
  };

  bool MayOpen(ChildId owner) const {
    const auto is_its = [owner](const auto& each) {
      return !each.second.IsGone() && each.second.record.owner == owner;
    };
    return owner == 0 || std::count_if(all_.begin(), all_.end(), is_its) <
                             static_cast<long>(BrowserRecords::kMostOfOneOwner);
  }
  BrowserId Open(const BrowserRecord& record) {
    const BrowserId id = all_.size() + 1;
    all_[id] = {.record = record, .have_heard = {}, .grants = {}};
    return id;
  }
  Answer Check(ChildId sender, const BrowserClaim& claim, ChildId BrowserRecord::*who) const {
    const auto found = all_.find(claim.id);
    if (found == all_.end()) return Answer::kFault;
    const Browser& browser = found->second;
    if (browser.IsGone() || browser.record.*who != sender || browser.have_heard.contains(sender) ||
        browser.record.context != claim.context) {
      return Answer::kFault;
    }
    return browser.is_open ? Answer::kGood : Answer::kClosing;
  }
  void Close(BrowserId id, ChildId by) {
    if (all_.contains(id)) CloseOne(all_[id], by);
  }
  void Confirm(BrowserId id, ChildId who) {
    if (all_.contains(id) && !all_[id].is_open) Hear(all_[id], who);
  }
  void ConfirmBridge(BridgeId bridge, ChildId who) {
    for (auto& [id, browser] : all_) {
      if (browser.record.bridge == bridge && !browser.is_open) Hear(browser, who);
    }
  }
  void Discard(BrowserId id) {
    if (!all_.contains(id)) return;
    all_[id].is_discarded = true;
    all_[id].is_open = false;
  }
  std::vector<BrowserId> ForgetProcess(ChildId process) {
    const std::vector<BrowserId> open = Open(&BrowserRecord::process, process);
    for (auto& [id, browser] : all_) {
      if (browser.record.process == process) CloseOne(browser, 0);
      Hear(browser, process);
    }
    return open;
  }
  Browser* FindOpen(BrowserId id) {
    const auto found = all_.find(id);
    return found == all_.end() || !found->second.is_open ? nullptr : &found->second;
  }
  std::vector<BrowserId> Open(uint64_t BrowserRecord::*field, uint64_t value) const {
    std::vector<BrowserId> ids;
    for (const auto& [id, browser] : all_) {
      if (browser.is_open && browser.record.*field == value) ids.push_back(id);
    }
    return ids;
  }
  size_t size() const {
    return static_cast<size_t>(std::count_if(
        all_.begin(), all_.end(), [](const auto& each) { return !each.second.IsGone(); }));
  }
  size_t given_out() const { return all_.size(); }

 private:
  static void CloseOne(Browser& browser, ChildId by) {
    if (!browser.is_open) return;
    browser.is_open = false;
    browser.grants.clear();
    Hear(browser, by);
  }
  // The parent itself hears nothing: it is not waited for.
  static void Hear(Browser& browser, ChildId who) {
    if (who != 0) browser.have_heard.insert(who);
  }

  std::map<BrowserId, Browser> all_;
};

class Both {
 public:
  void Apply(uint8_t operation, uint8_t a, uint8_t b, uint8_t c) {
    switch (operation % 9) {
      case 0:
        Open(a, b, c);
        break;
      case 1:
        Claim(a, b % kProcesses, c);
        break;
      case 2:
        records_.Close(a, b % kProcesses);
        plain_.Close(a, b % kProcesses);
        break;
      case 3:
        records_.Confirm(a, b % kProcesses);
        plain_.Confirm(a, b % kProcesses);
        break;
      case 4:
        records_.ConfirmBridge(a % kBridges, b % kProcesses);
        plain_.ConfirmBridge(a % kBridges, b % kProcesses);
        break;
      case 5:
        Require(records_.ForgetProcess(a % kProcesses) == plain_.ForgetProcess(a % kProcesses));
        break;
      case 6:
        records_.Discard(a);
        plain_.Discard(a);
        break;
      case 7:
        Grant(a, std::to_string(b % 80));
        break;
      case 8:
        RequireSame(a);
        break;
    }
  }

  void RequireSameAll() {
    Require(records_.size() == plain_.size());
    for (uint64_t i = 0; i < kProcesses; ++i) {
      Require(records_.OfProcess(i) == plain_.Open(&BrowserRecord::process, i));
    }
    for (uint64_t i = 0; i < kBridges; ++i) {
      Require(records_.OfBridge(i) == plain_.Open(&BrowserRecord::bridge, i));
    }
    for (uint64_t i = 1; i < kGroups; ++i) {
      Require(records_.OfGroup(i) == plain_.Open(&BrowserRecord::group, i));
    }
    for (BrowserId id = 0; id <= std::min<size_t>(plain_.given_out() + 1, 16); ++id) {
      RequireSame(id);
    }
  }

 private:
  using Answer = PlainRecords::Answer;

  void Open(uint8_t a, uint8_t b, uint8_t c) {
    const BrowserRecord record = {.process = 1 + a % (kProcesses - 1),
                                  .owner = (a >> 4) % kProcesses,
                                  .bridge = b % kBridges,
                                  .group = (b >> 4) % kGroups,
                                  .context = ContextOf(c)};
    const bool may = plain_.MayOpen(record.owner);
    const absl::StatusOr<BrowserId> id = records_.Open(record);
    Require(id.ok() == may);
    if (may) {
      Require(*id == plain_.Open(record));
    } else {
      Require(absl::IsResourceExhausted(id.status()));
    }
  }

  static void RequireAnswer(const absl::Status& status, Answer answer) {
    Require(status.ok() == (answer == Answer::kGood));
    Require(IsFault(status) == (answer == Answer::kFault));
    Require(absl::IsFailedPrecondition(status) == (answer == Answer::kClosing));
  }
  void Claim(BrowserId id, ChildId sender, uint8_t context) {
    const BrowserClaim claim = {.id = id, .context = ContextOf(context)};
    RequireAnswer(records_.Check(sender, claim),
                  plain_.Check(sender, claim, &BrowserRecord::process));
    RequireAnswer(records_.CheckOwner(sender, claim),
                  plain_.Check(sender, claim, &BrowserRecord::owner));
  }

  void Grant(BrowserId id, const std::string& what) {
    const absl::Status granted = records_.Grant(id, what);
    PlainRecords::Browser* const browser = plain_.FindOpen(id);
    Require(absl::IsNotFound(granted) == (browser == nullptr));
    if (browser == nullptr) return;
    const bool has_room = browser->grants.size() < BrowserRecords::kMostGrants;
    Require(granted.ok() == (has_room || browser->grants.contains(what)));
    if (granted.ok()) browser->grants.insert(what);
  }

  void RequireSame(BrowserId id) {
    const BrowserRecord* const found = records_.Find(id);
    PlainRecords::Browser* const browser = plain_.FindOpen(id);
    Require((found == nullptr) == (browser == nullptr));
    for (ChildId sender = 0; sender < kProcesses; ++sender) {
      for (uint8_t context = 0; context < 2; ++context) Claim(id, sender, context);
    }
    if (browser == nullptr) {
      Require(!records_.IsGranted(id, "1"));
      return;
    }
    Require(records_.IsGranted(id, "1") == browser->grants.contains("1"));
    for (const std::string& what : browser->grants) Require(records_.IsGranted(id, what));
    Require(found->process == browser->record.process && found->owner == browser->record.owner &&
            found->bridge == browser->record.bridge && found->group == browser->record.group &&
            found->context == browser->record.context);
  }

  BrowserRecords records_;
  PlainRecords plain_;
};

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkserver::Both both;
  const size_t operations = std::min(size / 4, forkserver::kMostOperations);
  for (size_t i = 0; i < operations; ++i, data += 4) both.Apply(data[0], data[1], data[2], data[3]);
  both.RequireSameAll();
  return 0;
}
