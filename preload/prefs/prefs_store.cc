#include "preload/prefs/prefs_store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/errno_status.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

// A browser's are below 1 MiB; a device has no end.
constexpr size_t kMaxFileBytes = 64 << 20;

std::string TypeMismatch(std::string_view name, PrefType user, PrefType standard) {
  return absl::StrFormat("user value of '%s' is of type %s, its default of type %s", name,
                         PrefTypeName(user), PrefTypeName(standard));
}

std::optional<PrefValueView> View(const std::optional<PrefValue>& value) {
  if (!value) return std::nullopt;
  return std::visit([](const auto& held) -> PrefValueView { return held; }, *value);
}

}  // namespace

std::string PrefDiagnostic::ToString() const {
  return absl::StrFormat("%s:%d: %s", file, line, reason);
}

absl::StatusOr<std::vector<PrefDiagnostic>> PrefsStore::LoadFile(const std::string& path) {
  // O_NONBLOCK: what is named may be a pipe that nobody writes.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.is_open()) return ErrnoStatus(errno, absl::StrFormat("open %s", path));
  std::string text;
  char chunk[65536];
  for (;;) {
    const ssize_t size = read(fd.get(), chunk, sizeof(chunk));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(errno, absl::StrFormat("read %s", path));
    if (size == 0) break;
    text.append(chunk, static_cast<size_t>(size));
    if (text.size() > kMaxFileBytes) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("read %s: larger than %d MiB", path, kMaxFileBytes >> 20));
    }
  }
  return LoadText(text, path);
}

std::vector<PrefDiagnostic> PrefsStore::LoadText(std::string_view text, const std::string& file) {
  std::vector<PrefDiagnostic> diagnostics;
  ParsePrefs(text, {.on_pref =
                        [&](ParsedPref parsed) {
                          if (parsed.kind == ParsedPref::Kind::kUser) {
                            SetUser(std::move(parsed), file, diagnostics);
                          } else {
                            SetDefault(std::move(parsed), diagnostics);
                          }
                        },
                    .on_error =
                        [&](PrefSyntaxError error) {
                          diagnostics.push_back({file, error.line, std::move(error.reason)});
                        }});
  return diagnostics;
}

void PrefsStore::SetDefault(ParsedPref parsed, std::vector<PrefDiagnostic>& diagnostics) {
  Pref& pref = prefs_[parsed.name];
  if (pref.locked && !parsed.overrides_lock) return;
  pref.sticky = pref.sticky || parsed.sticky;
  pref.locked = pref.locked || parsed.locked;
  pref.default_value = std::move(parsed.value);
  if (pref.user_value && TypeOf(*pref.user_value) != TypeOf(*pref.default_value)) {
    diagnostics.push_back(
        {std::move(pref.user_origin.file), pref.user_origin.line,
         TypeMismatch(parsed.name, TypeOf(*pref.user_value), TypeOf(*pref.default_value))});
    pref.user_value.reset();
  }
}

void PrefsStore::SetUser(ParsedPref parsed, const std::string& file,
                         std::vector<PrefDiagnostic>& diagnostics) {
  Pref& pref = prefs_[parsed.name];
  if (pref.default_value && TypeOf(parsed.value) != TypeOf(*pref.default_value)) {
    diagnostics.push_back(
        {file, parsed.line,
         TypeMismatch(parsed.name, TypeOf(parsed.value), TypeOf(*pref.default_value))});
    return;
  }
  pref.user_value = std::move(parsed.value);
  pref.user_origin = {file, parsed.line};
}

absl::StatusOr<PrefsGeneration> PrefsStore::Publish() {
  std::vector<PrefEntry> entries;
  entries.reserve(prefs_.size());
  for (const auto& [name, pref] : prefs_) {
    const PrefValue& typed = pref.default_value ? *pref.default_value : *pref.user_value;
    entries.push_back({.name = name,
                       .type = TypeOf(typed),
                       .sticky = pref.sticky,
                       .locked = pref.locked,
                       .default_value = View(pref.default_value),
                       .user_value = View(pref.user_value)});
  }
  const uint64_t number = last_generation_ + 1;
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, number);
  if (bytes.size() > PrefsMap::kMaxBytes) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("prefs map: %d bytes, at most %d", bytes.size(), PrefsMap::kMaxBytes));
  }
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("prefs", bytes);
  if (!fd.ok()) return fd.status();
  last_generation_ = number;
  return PrefsGeneration{std::make_shared<const UniqueFd>(*std::move(fd)), number};
}

}  // namespace forkserver
