// Runs a fuzz target over its corpus, without libFuzzer: what was found once stays found.
#include <gtest/gtest.h>
#include <stdint.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<std::filesystem::path> Corpus() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("tests/fuzz/corpus")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

TEST(FuzzCorpus, EveryInputPasses) {
  const std::vector<std::filesystem::path> files = Corpus();
  ASSERT_FALSE(files.empty());
  for (const std::filesystem::path& path : files) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)),
                                  std::istreambuf_iterator<char>());
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
              0)
        << path;
  }
}

// So many neighbours of one input are tried at most, evenly spread over all: some targets open
// sockets or files for each.
constexpr size_t kMostNeighbours = MOST_NEIGHBOURS;

// Each prefix of an input, and each input with one byte changed.
TEST(FuzzCorpus, EveryNeighbourOfAnInputPasses) {
  for (const std::filesystem::path& path : Corpus()) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)),
                                     std::istreambuf_iterator<char>());
    for (size_t size = 0; size < bytes.size(); ++size) {
      // A copy of exactly that size, so that a read beyond it is one that sanitizers see.
      const std::vector<uint8_t> prefix(bytes.begin(), bytes.begin() + static_cast<long>(size));
      EXPECT_EQ(LLVMFuzzerTestOneInput(prefix.data(), prefix.size()), 0);
    }
    // An odd step gets to all values of a byte in turn.
    const size_t step = (bytes.size() * 256 / kMostNeighbours) | 1;
    for (size_t i = 0; i < bytes.size() * 256; i += step) {
      std::vector<uint8_t> changed = bytes;
      changed[i / 256] = static_cast<uint8_t>(i % 256);
      EXPECT_EQ(LLVMFuzzerTestOneInput(changed.data(), changed.size()), 0);
    }
  }
}

}  // namespace
