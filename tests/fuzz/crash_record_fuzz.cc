// Flight records of processes that lie: whatever is in one, its report is text of printable lines
// and JSON that can be read, and nothing outside of the record is touched.
//
// The input is a list of patches {offset, 4 bytes; size, 1 byte; bytes} of a record that is good:
// of a crash in this very program, so that libdw unwinds a stack that the input has made.
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "child/flight/crash_modules.h"
#include "child/flight/flight_record.h"
#include "forkserver/report/crash_report.h"
#include "tests/fuzz/require.h"
#include "transceiver/byte_order.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace forkserver {
namespace {

FlightRecord& GoodRecord() {
  static FlightRecord* const record = [] {
    auto* const made = new FlightRecord();
    made->magic = FlightRecord::kMagic;
    made->annotations.Set("url", "https://a.test/");
    CrashArea& area = made->crash;
    area.state = CrashArea::kWritten;
    area.signal = SIGSEGV;
    area.code = SEGV_MAPERR;
    area.register_count = 18;
    area.stack_start = 0x7ffd00000000;
    area.stack_pointer = area.stack_start + 128;
    area.stack_bytes = 512;
    const auto here = reinterpret_cast<uint64_t>(&LLVMFuzzerTestOneInput);
    area.program_counter = here;
    area.registers[7] = area.stack_pointer;
    area.registers[16] = here;
    for (size_t i = 0; i + 8 <= area.stack_bytes; i += 8) {
      memcpy(area.stack + i, &here, sizeof(here));
    }
    RecordModules(area);
    // Whose function that is, and no other: each costs as much as the rest of an input.
    for (uint32_t i = 0; i < area.module_count; ++i) {
      if (here >= area.modules[i].start && here < area.modules[i].end) {
        area.modules[0] = area.modules[i];
      }
    }
    area.module_count = 1;
    return made;
  }();
  return *record;
}

void Patch(FlightRecord& record, std::span<const uint8_t> input) {
  auto* const bytes = reinterpret_cast<uint8_t*>(&record);
  while (input.size() > 5) {
    ByteReader in(input);
    const size_t offset = in.U32() % sizeof(FlightRecord);
    const size_t size =
        std::min({size_t{in.U8()}, input.size() - 5, sizeof(FlightRecord) - offset});
    memcpy(bytes + offset, input.data() + 5, size);
    input = input.subspan(5 + size);
  }
}

bool IsPrintable(char c) { return c == '\n' || static_cast<unsigned char>(c) >= ' '; }

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forkserver;
  static const UniqueFd file(memfd_create("flight-record", MFD_CLOEXEC));
  static const auto record = std::make_unique<FlightRecord>();
  static StackTracer tracer("/proc/self/exe");
  memcpy(static_cast<void*>(record.get()), &GoodRecord(), sizeof(FlightRecord));
  Patch(*record, {data, size});
  Require(pwrite(file.get(), record.get(), sizeof(FlightRecord), 0) ==
          static_cast<ssize_t>(sizeof(FlightRecord)));
  FlightEnd end;
  end.status.kind = ExitStatus::Kind::kKilled;
  end.status.code = SIGSEGV;
  end.record.reset(dup(file.get()));
  const CrashReport report = MakeCrashReport(std::move(end), tracer);
  const std::string text = ToText(report);
  Require(std::all_of(text.begin(), text.end(), IsPrintable));
  Require(nlohmann::json::accept(ToJson(report)));
  Require(report.trace.frames.size() <= StackTracer::kMostFrames);
  return 0;
}
