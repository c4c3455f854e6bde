#include "child/process_types.h"

#include <algorithm>
#include <array>

#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

using Rows = std::array<ProcessTypeRow, kProcessTypeCount>;

constexpr Rows kWritten = {{
#define PROCESS_TYPE(symbol, number, ...) {.type = ProcessType::symbol, __VA_ARGS__},
#include "child/process_types.def"
#undef PROCESS_TYPE
}};

// A pair is written in one row; here it is in both.
constexpr Rows ConnectBothWays(Rows rows) {
  for (const ProcessTypeRow& row : kWritten) {
    for (const ProcessType other : row.connections) {
      ProcessTypeRow& peer = rows[static_cast<size_t>(other)];
      peer.connections = peer.connections | ProcessTypeSet({row.type});
    }
  }
  return rows;
}

constexpr Rows kRows = ConnectBothWays(kWritten);

// One for each rule below: true where no row breaks it.

template <typename Rule>
constexpr bool Each(Rule rule) {
  return std::all_of(kRows.begin(), kRows.end(), rule);
}

// No two rows have the same text there; empty ones do not count.
constexpr bool Differ(std::string_view ProcessTypeRow::*column) {
  return Each([column](const ProcessTypeRow& row) {
    return (row.*column).empty() ||
           std::count_if(kRows.begin(), kRows.end(), [&](const ProcessTypeRow& other) {
             return other.*column == row.*column;
           }) == 1;
  });
}

constexpr bool IsOf(std::string_view text, std::string_view punctuation) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [punctuation](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           punctuation.find(c) != std::string_view::npos;
  });
}

// What people read: words with one space between them, no characters that end a column.
constexpr bool IsText(std::string_view text) {
  constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ -";
  return IsOf(text, kCapitals) && text.front() != ' ' && text.back() != ' ' &&
         text.find("  ") == std::string_view::npos;
}

constexpr bool IsHere(const ProcessTypeRow& row) {
  return row.launchable != Launchable::kNo || row.start == ProcessStart::kIsThere;
}

constexpr bool NumbersCountUp() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].type) != i) return false;
  }
  return true;
}
static_assert(NumbersCountUp(), "rows are in the order of their numbers, which are from 0");

static_assert(Each([](const ProcessTypeRow& row) {
                return IsOf(row.name, "-") && row.name.size() <= kMaxProcessNameBytes;
              }),
              "a name is [a-z0-9-], and as long as the kernel keeps one");
static_assert(Each([](const ProcessTypeRow& row) {
                return IsText(row.user_facing_name) && IsText(row.memory_report);
              }),
              "each type has a name for tables, and one for memory reports");
static_assert(Each([](const ProcessTypeRow& row) { return IsOf(row.crash_annotation, "_"); }),
              "each type has a name for crash reports, of [a-z0-9_]");
static_assert(Differ(&ProcessTypeRow::name) && Differ(&ProcessTypeRow::user_facing_name) &&
                  Differ(&ProcessTypeRow::crash_annotation) &&
                  Differ(&ProcessTypeRow::memory_report) &&
                  Differ(&ProcessTypeRow::primary_protocol),
              "no two types have a name or a protocol in common");

static_assert(std::all_of(kWritten.begin(), kWritten.end(),
                          [](const ProcessTypeRow& row) {
                            for (const ProcessType other : row.connections) {
                              if (other > row.type) return false;
                            }
                            return true;
                          }),
              "a connection is written once, in the row of the later type");
static_assert(Each([](const ProcessTypeRow& row) {
                if (row.type == ProcessType::kParent) return row.primary_protocol.empty();
                return row.primary_protocol.empty() ==
                       !row.connections.contains(ProcessType::kParent);
              }),
              "the primary protocol is what connects a type to the parent");
static_assert(Each([](const ProcessTypeRow& row) {
                const bool has_endpoints =
                    row.type != ProcessType::kParent &&
                    !(row.connections - ProcessTypeSet({ProcessType::kParent})).empty();
                return !has_endpoints || row.main_loop == MainLoop::kEvents;
              }),
              "a type with more than one channel waits for all of them, in an event loop");
static_assert(Each([](const ProcessTypeRow& row) {
                return (row.launchable == Launchable::kYes) ==
                       (row.type != ProcessType::kParent && !row.primary_protocol.empty());
              }),
              "what an embedder launches speaks a protocol, and nothing else does");

static_assert(Each([](const ProcessTypeRow& row) {
                return (row.start == ProcessStart::kIsThere) == (row.type == ProcessType::kParent);
              }),
              "the parent is there, and nobody else");
static_assert(Each([](const ProcessTypeRow& row) {
                return (row.launchable != Launchable::kNo) ==
                       (row.start == ProcessStart::kAtOnce || row.start == ProcessStart::kOnDemand);
              }),
              "what can be launched has a time for it");
static_assert(Each([](const ProcessTypeRow& row) {
                return row.condition.empty() ||
                       (row.start == ProcessStart::kOnDemand && IsText(row.condition));
              }),
              "only what starts on demand has a condition for it");
static_assert(Each([](const ProcessTypeRow& row) {
                return IsHere(row) == (row.main_loop != MainLoop::kNone) &&
                       (row.main_loop == MainLoop::kHosts) == (row.type == ProcessType::kParent) &&
                       (row.main_loop == MainLoop::kForkLoop) ==
                           (row.launchable == Launchable::kByServer);
              }),
              "each process has a main loop; templates have the fork loop");
static_assert(Each([](const ProcessTypeRow& row) {
                return (row.platform == Platform::kAny || row.platform == Platform::kLinux) ==
                       IsHere(row);
              }),
              "what is not of this system is not here, and says of which one it is");

static_assert(Each([](const ProcessTypeRow& row) {
                return row.pool.min <= row.pool.max &&
                       (row.pool.max == 0 || row.launchable == Launchable::kYes);
              }),
              "a pool is of what an embedder launches");
static_assert(Each([](const ProcessTypeRow& row) {
                return (row.launchable != Launchable::kNo) == IsOf(row.template_name, "-");
              }),
              "what can be launched names its template");
static_assert(Each([](const ProcessTypeRow& row) {
                return row.sandbox == SandboxPolicyId::kNone ||
                       (row.launchable == Launchable::kYes && row.template_name != "root");
              }),
              "the root has no sandbox: a type with a policy comes from a template below it");
static_assert(Each([](const ProcessTypeRow& row) {
                return std::all_of(kRows.begin(), kRows.end(), [&](const ProcessTypeRow& other) {
                  return other.template_name != row.template_name || other.sandbox == row.sandbox;
                });
              }),
              "types of one template have one policy");
static_assert(Each([](const ProcessTypeRow& row) {
                return row.fallback == ParentFallback::kNone || row.launchable == Launchable::kYes;
              }),
              "nothing falls back that is not launched");

constexpr bool EachPolicyIsForSomebody() {
  for (uint8_t i = 1; i < static_cast<uint8_t>(SandboxPolicyId::kCount); ++i) {
    const auto policy = static_cast<SandboxPolicyId>(i);
    const bool has_type = !Each([=](const ProcessTypeRow& row) { return row.sandbox != policy; });
    const bool has_none =
        std::find(std::begin(kPoliciesWithoutType), std::end(kPoliciesWithoutType), policy) !=
        std::end(kPoliciesWithoutType);
    if (!has_type && !has_none) return false;
  }
  return true;
}
static_assert(EachPolicyIsForSomebody(),
              "each policy is some type's, or kPoliciesWithoutType says why not");

constexpr ProcessTypeSet LaunchableTypes() {
  ProcessTypeSet types;
  for (const ProcessTypeRow& row : kRows) {
    if (row.launchable == Launchable::kYes) types = types | ProcessTypeSet({row.type});
  }
  return types;
}

}  // namespace

constinit const ProcessTypeSet kLaunchableProcessTypes = LaunchableTypes();

std::span<const ProcessTypeRow> ProcessTypes() { return kRows; }

FORKSERVER_LAUNCH_PATH const ProcessTypeRow* FindProcessType(uint32_t number) {
  return number < kRows.size() ? &kRows[number] : nullptr;
}

std::string_view ProcessTypeName(ProcessType type) {
  const ProcessTypeRow* row = FindProcessType(type);
  return row != nullptr ? row->name : "unknown type";
}

std::string ProcessTypeNames(ProcessTypeSet types) {
  if (types.empty()) return "none";
  std::string names;
  for (const ProcessType type : types) {
    if (!names.empty()) names += ", ";
    names += ProcessTypeName(type);
  }
  return names;
}

bool MayConnect(ProcessType one, ProcessType other) {
  const ProcessTypeRow* row = FindProcessType(one);
  return row != nullptr && row->connections.contains(other);
}

}  // namespace forkserver
