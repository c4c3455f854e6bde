#include "forkserver/model/browser_records.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/one_line.h"

namespace forkserver {

std::string BrowserContext::ToString() const {
  return absl::StrCat(site.empty() ? "no site" : OneLine(site), attributes.ToSuffix());
}

absl::StatusOr<BrowserId> BrowserRecords::Open(BrowserRecord record) {
  const auto is_same_owner = [&](const auto& entry) {
    return entry.second.record.owner == record.owner;
  };
  if (record.owner != 0 && static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                             is_same_owner)) >= kMostOfOneOwner) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("child %d has %d browsers already", record.owner, kMostOfOneOwner));
  }
  entries_.emplace(++last_, Entry{.record = std::move(record)});
  return last_;
}

absl::Status BrowserRecords::NotThere(BrowserId id) const {
  return absl::PermissionDeniedError(absl::StrFormat(
      "browser %d was %s", id, id != 0 && id <= last_ ? "closed" : "never given out"));
}

template <typename SenderCheck>
absl::Status BrowserRecords::CheckClaim(const BrowserClaim& claim, SenderCheck who) const {
  const auto found = entries_.find(claim.id);
  if (found == entries_.end()) return NotThere(claim.id);
  const BrowserRecord& record = found->second.record;
  if (absl::Status sender = who(found->second); !sender.ok()) return sender;
  if (record.context != claim.context) {
    return absl::PermissionDeniedError(absl::StrFormat("browser %d shows %s, not %s", claim.id,
                                                       record.context.ToString(),
                                                       claim.context.ToString()));
  }
  if (!found->second.is_closing) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat("browser %d is being closed", claim.id));
}

absl::Status BrowserRecords::Check(ChildId sender, const BrowserClaim& claim) const {
  return CheckClaim(claim, [&](const Entry& entry) -> absl::Status {
    if (entry.record.process != sender) {
      return absl::PermissionDeniedError(
          absl::StrFormat("browser %d is child %d's", claim.id, entry.record.process));
    }
    return entry.process_may_speak ? absl::OkStatus() : NotThere(claim.id);
  });
}

absl::Status BrowserRecords::CheckOwner(ChildId sender, const BrowserClaim& claim) const {
  return CheckClaim(claim, [&](const Entry& entry) -> absl::Status {
    if (entry.record.owner != sender) {
      return absl::PermissionDeniedError(
          entry.record.owner == 0
              ? absl::StrFormat("browser %d belongs to the parent", claim.id)
              : absl::StrFormat("browser %d belongs to child %d", claim.id, entry.record.owner));
    }
    return entry.owner_may_speak ? absl::OkStatus() : NotThere(claim.id);
  });
}

const BrowserRecord* BrowserRecords::Find(BrowserId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() || found->second.is_closing ? nullptr : &found->second.record;
}

absl::Status BrowserRecords::Grant(BrowserId id, std::string_view what) {
  if (Find(id) == nullptr) return absl::NotFoundError(absl::StrFormat("no browser %d", id));
  auto& grants = entries_.find(id)->second.grants;
  if (grants.size() >= kMostGrants && grants.find(what) == grants.end()) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("browser %d has %d grants already", id, kMostGrants));
  }
  grants.emplace(what);
  return absl::OkStatus();
}

bool BrowserRecords::IsGranted(BrowserId id, std::string_view what) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.grants.find(what) != found->second.grants.end();
}

bool BrowserRecords::IsOver(const Entry& entry) {
  return entry.is_closing && !entry.process_may_speak &&
         (!entry.owner_may_speak || entry.record.owner == 0);
}

void BrowserRecords::Silence(Entry& entry, ChildId who) {
  if (who == 0) return;
  if (entry.record.process == who) entry.process_may_speak = false;
  if (entry.record.owner == who) entry.owner_may_speak = false;
}

void BrowserRecords::Close(BrowserId id, ChildId by) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.is_closing) return;
  found->second.is_closing = true;
  found->second.grants.clear();
  Silence(found->second, by);
  if (IsOver(found->second)) entries_.erase(found);
}

void BrowserRecords::Confirm(BrowserId id, ChildId who) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.is_closing) return;
  Silence(found->second, who);
  if (IsOver(found->second)) entries_.erase(found);
}

void BrowserRecords::ConfirmBridge(BridgeId bridge, ChildId who) {
  absl::erase_if(entries_, [&](auto& each) {
    Entry& entry = each.second;
    if (!entry.is_closing || entry.record.bridge != bridge) return false;
    Silence(entry, who);
    return IsOver(entry);
  });
}

std::vector<BrowserId> BrowserRecords::ForgetProcess(ChildId process) {
  std::vector<BrowserId> were_open = OfProcess(process);
  absl::erase_if(entries_, [process](auto& each) {
    Entry& entry = each.second;
    Silence(entry, process);
    if (entry.record.process == process) {
      entry.is_closing = true;
      entry.grants.clear();
    }
    return IsOver(entry);
  });
  return were_open;
}

template <typename Predicate>
std::vector<BrowserId> BrowserRecords::Those(Predicate predicate) const {
  std::vector<BrowserId> ids;
  for (const auto& [id, entry] : entries_) {
    if (!entry.is_closing && predicate(entry.record)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<BrowserId> BrowserRecords::OfProcess(ChildId process) const {
  return Those([process](const BrowserRecord& record) { return record.process == process; });
}

std::vector<BrowserId> BrowserRecords::OfGroup(GroupId group) const {
  return Those([group](const BrowserRecord& record) { return record.group == group; });
}

std::vector<BrowserId> BrowserRecords::OfBridge(BridgeId bridge) const {
  return Those([bridge](const BrowserRecord& record) { return record.bridge == bridge; });
}

}  // namespace forkserver
