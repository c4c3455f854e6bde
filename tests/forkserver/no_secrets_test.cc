// What one child was given is nowhere in the memory of another: not in a later child's, forked or
// from a pool, of the root or of a template below it, and not in a template's.
//
// Each child has markers of its own in its arguments, its environment and a file that it maps and
// reads, and looks through all of its memory for markers.
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/forkserver/memory_scan.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/test_program.h"
#include "transceiver/mapping.h"
#include "transceiver/packet.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

using testing::HostSetup;
using testing::Marker;
using testing::MemoryScan;
using testing::ScanMemory;
using testing::StatusOf;

constexpr int kDescriptor = 7;
constexpr int kPlanted = 77'777;

// The code and the libraries of this program alone are more.
constexpr uint64_t kLeastBytes = 4 << 20;

std::string Names(const MemoryScan& scan) {
  std::vector<std::string> names;
  for (const auto& [name, where] : scan.found) names.push_back(name);
  return absl::StrJoin(names, " ");
}

// Sends the names of the markers in its memory, in order, or what is wrong.
class Searcher : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    const std::string answer = Search();
    const auto* bytes = reinterpret_cast<const uint8_t*>(answer.data());
    return context.channel.Send({.type = testing::kEcho}, {bytes, answer.size()}) == 0 ? 0 : 1;
  }

 private:
  static std::string Search() {
    Mapping file;
    if (MapSealedMemfd(kDescriptor, 4096, SealedAccess::kRead, file) != 0) return "no file";
    const std::string copy(file.bytes().begin(), file.bytes().end());
    const MemoryScan scan = ScanMemory("self");
    if (scan.bytes < kLeastBytes) return absl::StrFormat("read %d bytes only", scan.bytes);
    return Names(scan);
  }
};

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  // By their rows: no pool, and a pool.
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<Searcher>},
                            {ProcessType::kUtility, MakeChildProgram<Searcher>}};
  // Of their own, so that there is something to freeze.
  const WarmUp ordinary = {"ordinary", [] {
                             new std::string(1 << 20, 'x');
                             return absl::OkStatus();
                           }};
  setup.options.warm_ups = {ordinary};
  setup.options.templates = {{.name = "nested", .warm_ups = {ordinary}}};
  if (test.find("Planted") != test.npos) {
    setup.options.warm_ups.push_back({"careless", [] {
                                        new std::string(Marker('w', kPlanted));
                                        return absl::OkStatus();
                                      }});
  }
  return setup;
}

namespace {

// The markers that child `number` was given, as it names them.
std::string Own(int number) { return absl::StrFormat("a%05d e%05d f%05d", number, number, number); }

std::string AnswerOf(const LaunchedChild& child) {
  uint8_t buffer[1024];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "the child died";
  }
  return {packet.payload().begin(), packet.payload().end()};
}

struct Search {
  std::string found;
  LaunchedBy by = LaunchedBy::kFork;
};

Search SearchInAChild(ForkServer& server, ProcessType type, const std::string& template_name,
                      int number) {
  const std::string text = Marker('f', number);
  const absl::StatusOr<UniqueFd> file =
      CreateSealedMemfd("given", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  if (!file.ok()) return {.found = file.status().ToString()};
  LaunchOptions options = {.type = type,
                           .argv = {"search", Marker('a', number)},
                           .set_environment = {"GIVEN=" + Marker('e', number)},
                           .template_name = template_name};
  options.Map(file->get(), kDescriptor);
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return {.found = child.status().ToString()};
  return {.found = AnswerOf(*child), .by = child->by};
}

// Children that are forked for their launch, and such as have waited for it.
// Two of each round.
void ExpectThatEachFindsItsOwnOnly(ForkServer& server, const std::string& name, int first,
                                   int rounds = 20) {
  ASSERT_TRUE(server.WaitUntilServing(name).ok());
  for (int i = 0; i < rounds; ++i) {
    const int number = first + 2 * i;
    EXPECT_EQ(SearchInAChild(server, ProcessType::kIpcUnitTest, name, number).found, Own(number));
    const Search pooled = SearchInAChild(server, ProcessType::kUtility, name, number + 1);
    EXPECT_EQ(pooled.found, Own(number + 1));
    if (i > 0) {
      EXPECT_EQ(pooled.by, LaunchedBy::kPool);
    }
    ASSERT_TRUE(
        testing::DispatchUntil(server, [&] { return testing::IdleBlanks(server, name) > 0; }));
  }
}

HOST_TEST(NoSecrets, OfOneChildInAThousandAreInAnother) {
  ExpectThatEachFindsItsOwnOnly(server, "root", 1000, 500);
}

HOST_TEST(NoSecrets, OfOneChildAreInOneOfANestedTemplate) {
  ExpectThatEachFindsItsOwnOnly(server, "root", 200);
  ExpectThatEachFindsItsOwnOnly(server, "nested", 300);
  ExpectThatEachFindsItsOwnOnly(server, "root", 400);
}

// Also where children do not look, because they do not inherit it.
HOST_TEST(NoSecrets, OfAChildAreInATemplate) {
  ExpectThatEachFindsItsOwnOnly(server, "root", 500);
  ExpectThatEachFindsItsOwnOnly(server, "nested", 600);
  for (const char* name : {"root", "nested"}) {
    const MemoryScan scan = ScanMemory(std::to_string(StatusOf(server, name).pid.value()));
    EXPECT_GT(scan.bytes, kLeastBytes);
    EXPECT_EQ(Names(scan), "") << name;
  }
  // Without this it could not fail: here are those of the last launch.
  EXPECT_NE(Names(ScanMemory("self")), "");
}

// Without this the others could not fail.
HOST_TEST(NoSecrets, PlantedInATemplateIsFoundInEveryChildAndInTheTemplate) {
  const std::string planted = absl::StrFormat(" w%05d", kPlanted);
  for (const char* name : {"root", "nested"}) {
    EXPECT_EQ(SearchInAChild(server, ProcessType::kIpcUnitTest, name, 1).found, Own(1) + planted);
    const std::string pid = std::to_string(StatusOf(server, name).pid.value());
    EXPECT_EQ(" " + Names(ScanMemory(pid)), planted) << name;
  }
}

}  // namespace
}  // namespace forkserver
