// The parts of a launch, each alone: Google Benchmark.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/plan.h"
#include "preload/prefs/prefs_map.h"
#include "preload/prefs/prefs_parser.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/frame.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// As many prefs as a browser ships.
constexpr int kPrefs = 4000;

std::string PrefsText() {
  std::string text;
  for (int i = 0; i < kPrefs; ++i) {
    switch (i % 3) {
      case 0:
        text += absl::StrFormat("pref(\"browser.feature_%d.enabled\", true);\n", i);
        break;
      case 1:
        text += absl::StrFormat("pref(\"network.limit_%d.count\", %d);\n", i, i);
        break;
      case 2:
        text += absl::StrFormat("pref(\"app.url_%d\", \"https://example.org/%d\");\n", i, i);
    }
  }
  return text;
}

PrefsGeneration PublishedPrefs() {
  PrefsStore store;
  store.LoadText(PrefsText(), "bench.js");
  return *store.Publish();
}

void BM_FrameEncode(benchmark::State& state) {
  uint8_t bytes[kFrameBytes];
  for (auto _ : state) {
    EncodeFrame({.type = 4, .request_id = 7, .payload_size = 1000}, bytes);
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(BM_FrameEncode);

void BM_FrameDecode(benchmark::State& state) {
  uint8_t bytes[kFrameBytes];
  EncodeFrame({.type = 4, .request_id = 7, .payload_size = 1000}, bytes);
  for (auto _ : state) {
    Frame frame;
    benchmark::DoNotOptimize(DecodeFrame(bytes, frame));
    benchmark::DoNotOptimize(frame);
  }
}
BENCHMARK(BM_FrameDecode);

void BM_PacketThroughASocket(benchmark::State& state) {
  SocketPair pair;
  if (CreateSocketPair(pair) != 0) return state.SkipWithError("socketpair");
  const std::vector<uint8_t> payload(static_cast<size_t>(state.range(0)));
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  Packet packet(buffer);
  for (auto _ : state) {
    SendPacket(pair.first.get(), Blocking::kWait, {.type = kFrameBytes}, payload, {});
    ReceivePacket(pair.second.get(), Blocking::kWait, packet);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PacketThroughASocket)->Arg(64)->Arg(1024)->Arg(65504);

void BM_PlanEncodeDecode(benchmark::State& state) {
  std::vector<std::string> environment;
  for (int i = 0; i < 20; ++i) environment.push_back(absl::StrFormat("VARIABLE_%d=value %d", i, i));
  const std::vector<std::string> argv = {"child", "--site=example"};
  const std::vector<PlannedDescriptor> descriptors = {{0, 0}, {1, 0}, {2, 1}, {10, 2}, {11, 3}};
  const Plan plan = {.type = ProcessType::kContent,
                     .argv = argv,
                     .environment_base = EnvironmentBase::kEmpty,
                     .set_environment = environment,
                     .working_directory = "/",
                     .name = "content",
                     .title = "content example",
                     .descriptors = descriptors};
  for (auto _ : state) {
    const std::vector<uint8_t> payload = EncodePlan(plan);
    PlanView view;
    benchmark::DoNotOptimize(DecodePlan(payload, view));
  }
}
BENCHMARK(BM_PlanEncodeDecode);

void BM_PrefsParse(benchmark::State& state) {
  const std::string text = PrefsText();
  for (auto _ : state) {
    size_t prefs = 0;
    ParsePrefs(text, {.on_pref = [&](ParsedPref) { ++prefs; }, .on_error = [](PrefSyntaxError) {}});
    benchmark::DoNotOptimize(prefs);
  }
  state.SetItemsProcessed(state.iterations() * kPrefs);
}
BENCHMARK(BM_PrefsParse)->Unit(benchmark::kMicrosecond);

void BM_PrefsAttach(benchmark::State& state) {
  const PrefsGeneration generation = PublishedPrefs();
  for (auto _ : state) {
    PrefsMap map;
    benchmark::DoNotOptimize(PrefsMap::Attach(generation.fd->get(), map));
  }
}
BENCHMARK(BM_PrefsAttach)->Unit(benchmark::kMicrosecond);

void BM_PrefsLookUp(benchmark::State& state) {
  const PrefsGeneration generation = PublishedPrefs();
  PrefsMap map;
  if (PrefsMap::Attach(generation.fd->get(), map) != 0) return state.SkipWithError("attach");
  std::vector<std::string> names;
  for (size_t i = 0; i < map.size(); i += 37) names.emplace_back(map.at(i).name);
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(map.Find(names[next]));
    next = (next + 1) % names.size();
  }
}
BENCHMARK(BM_PrefsLookUp);

}  // namespace
}  // namespace forkserver

BENCHMARK_MAIN();
