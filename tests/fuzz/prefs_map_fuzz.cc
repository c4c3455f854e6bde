// The map of prefs that a child is given: a sealed memfd of any bytes is a map whose every look-up
// stays within it, or an error.
//
// The first byte says what the others are: a map as it stands (0), or one whose header is mended
// first, so that its size is what the header says and the fuzzer gets to what lies behind.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <string_view>
#include <vector>

#include "forkserver/model/model_prefs.h"
#include "preload/prefs/prefs_map.h"
#include "tests/fuzz/descriptor_census.h"
#include "tests/fuzz/require.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

constexpr size_t kHeaderWords = 10;

// Magic and version, a total that is true, counts that are small, and as many bytes of strings as
// are left.
void Mend(std::vector<uint8_t>& bytes) {
  uint32_t header[kHeaderWords];
  if (bytes.size() < sizeof(header)) bytes.resize(sizeof(header));
  memcpy(header, bytes.data(), sizeof(header));
  header[0] = 0x50534B46;
  header[1] = 1;
  header[2] = static_cast<uint32_t>(bytes.size());
  size_t left = bytes.size() - sizeof(header);
  const auto take = [&left](uint32_t& count, size_t each) {
    count %= static_cast<uint32_t>(left / each + 1);
    left -= count * each;
  };
  take(header[3], 3 * sizeof(uint32_t) + 1);
  take(header[4], sizeof(uint32_t));
  take(header[5], 1);
  header[6] = static_cast<uint32_t>(left);
  header[7] = 0;
  memcpy(bytes.data(), header, sizeof(header));
}

size_t TextBytes(const std::optional<PrefValueView>& value) {
  if (!value) return 0;
  const auto* text = std::get_if<std::string_view>(&*value);
  size_t sum = 0;
  if (text != nullptr) {
    for (const char c : *text) sum += static_cast<uint8_t>(c) != 0;
  }
  return sum;
}

// Reads all of it, each way that there is.
void ReadMap(const PrefsMap& map) {
  std::vector<PrefEntry> entries;
  bool is_sorted = true;
  for (size_t i = 0; i < map.size(); ++i) {
    const PrefEntry entry = map.at(i);
    Require(entry.default_value || entry.user_value);
    Require(TypeOf(entry.effective()) == entry.type);
    if (!entries.empty() && entries.back().name >= entry.name) is_sorted = false;
    entries.push_back(entry);
    TextBytes(entry.default_value);
    TextBytes(entry.user_value);
    map.GetBool(entry.name, true);
    map.GetInt(entry.name, 7);
    map.GetString(entry.name, "none");
  }
  map.Find("");
  map.Find("no such pref");
  const ModelPrefs model = ModelPrefs::Read(map);
  Require(model.prelaunch >= 0 && model.prelaunch <= ModelPrefs::kMaxPrelaunch);
  for (const int32_t limit : model.limits) Require(limit >= 1 && limit <= ModelPrefs::kMaxLimit);
  if (!is_sorted) return;

  for (const PrefEntry& entry : entries) {
    const std::optional<PrefEntry> found = map.Find(entry.name);
    Require(found && found->name == entry.name && found->type == entry.type);
    if (entry.type == PrefType::kInt) {
      Require(map.GetInt(entry.name, 0) == std::get<int32_t>(entry.effective()));
    }
  }
  const std::vector<uint8_t> bytes = EncodePrefsMap(entries, map.generation());
  PrefsMap again;
  Require(PrefsMap::Open(bytes, again).empty());
  Require(again.size() == map.size() && again.generation() == map.generation());
  for (size_t i = 0; i < map.size(); ++i) {
    const PrefEntry entry = again.at(i);
    Require(entry.name == entries[i].name && entry.effective() == entries[i].effective() &&
            entry.sticky == entries[i].sticky && entry.locked == entries[i].locked);
  }
}

void FuzzMap(std::vector<uint8_t> bytes, bool mend) {
  if (mend) Mend(bytes);
  const DescriptorCensus census;
  {
    // Of exactly that size, where sanitizers see a read beyond it; a mapping ends with its page.
    PrefsMap open;
    const bool is_good = PrefsMap::Open(bytes, open).empty();
    if (is_good) ReadMap(open);
    Require(is_good || open.size() == 0);

    absl::StatusOr<UniqueFd> memfd = CreateSealedMemfd("prefs", bytes);
    Require(memfd.ok());
    PrefsMap attached;
    const int error = PrefsMap::Attach(memfd->get(), attached);
    Require(error == (is_good ? 0 : bytes.empty() ? ENODATA : EBADMSG));
    memfd->reset();
    if (is_good) ReadMap(attached);
  }
  census.RequireSame();
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  forkserver::FuzzMap({data + 1, data + size}, data[0] != 0);
  return 0;
}
