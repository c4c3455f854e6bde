#include "forkserver/report/process_table.h"

#include <stdint.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/report/short_bytes.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

constexpr std::string_view kMissing = "-";
constexpr std::string_view kGap = "  ";
// Below this a column that matters less goes instead.
constexpr size_t kSmallestName = 36;

std::string Minutes(int64_t nanos) {
  const int64_t seconds = nanos / kNanosPerSecond;
  if (seconds < 10) return absl::StrFormat("%.2fs", static_cast<double>(nanos) / kNanosPerSecond);
  if (seconds < 60) return absl::StrFormat("%.1fs", static_cast<double>(nanos) / kNanosPerSecond);
  if (seconds < 3600) return absl::StrFormat("%dm%02ds", seconds / 60, seconds % 60);
  if (seconds < 86400) return absl::StrFormat("%dh%02dm", seconds / 3600, seconds / 60 % 60);
  return absl::StrFormat("%dd%02dh", seconds / 86400, seconds / 3600 % 24);
}

template <typename T, typename ToText>
std::string Figure(const absl::StatusOr<T>& figure, ToText to_text) {
  return figure.ok() ? to_text(*figure) : std::string(kMissing);
}

struct Column {
  std::string_view title;
  int leaves;  // the higher, the sooner it is left out; 0: never
  bool is_left;
  std::string (*text)(const ReportedProcess& process);
};

constexpr Column kColumns[] = {
    {"NAME", 0, true,
     [](const ReportedProcess& process) {
       return std::string(2 * process.depth, ' ') + process.name;
     }},
    {"PID", 1, false,
     [](const ReportedProcess& process) {
       return process.pid > 0 ? absl::StrFormat("%d", process.pid) : std::string(kMissing);
     }},
    {"CPU", 2, false,
     [](const ReportedProcess& process) {
       return process.cpu_share ? absl::StrFormat("%.0f%%", *process.cpu_share * 100)
                                : std::string(kMissing);
     }},
    {"TIME", 11, false,
     [](const ReportedProcess& process) {
       return Figure(process.sample.stat,
                     [](const ProcessStat& stat) { return Minutes(stat.cpu_nanos()); });
     }},
    {"PRIVATE", 3, false,
     [](const ReportedProcess& process) {
       return Figure(process.sample.memory, [](const ProcessMemory& memory) {
         return ShortBytes(memory.private_bytes());
       });
     }},
    {"SHARED", 8, false,
     [](const ReportedProcess& process) {
       return Figure(process.sample.memory,
                     [](const ProcessMemory& memory) { return ShortBytes(memory.shared_bytes()); });
     }},
    {"PSS", 4, false,
     [](const ReportedProcess& process) {
       return Figure(process.sample.memory,
                     [](const ProcessMemory& memory) { return ShortBytes(memory.proportional); });
     }},
    {"FAULTS", 5, false,
     [](const ReportedProcess& process) {
       return Figure(process.sample.stat, [](const ProcessStat& stat) {
         return absl::StrFormat("%d/%d", stat.minor_faults, stat.major_faults);
       });
     }},
    {"FDS", 9, false,
     [](const ReportedProcess& process) {
       return Figure(process.sample.descriptors,
                     [](uint64_t count) { return absl::StrFormat("%d", count); });
     }},
    {"THR", 10, false,
     [](const ReportedProcess& process) {
       return Figure(process.sample.stat,
                     [](const ProcessStat& stat) { return absl::StrFormat("%d", stat.threads); });
     }},
    {"UPTIME", 7, false,
     [](const ReportedProcess& process) { return Figure(process.sample.uptime_nanos, Minutes); }},
    {"STATE", 6, true, [](const ReportedProcess& process) { return process.state; }},
};
constexpr size_t kColumnCount = std::size(kColumns);

// Bytes that begin no character are parts of one.
bool BeginsCharacter(char byte) { return (static_cast<uint8_t>(byte) & 0xc0) != 0x80; }

size_t ColumnsOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), BeginsCharacter));
}

void AppendPadded(std::string& line, const std::string& text, size_t width, bool is_left) {
  const std::string padding(width - std::min(width, ColumnsOf(text)), ' ');
  line += is_left ? text + padding : padding + text;
}

class Table {
 public:
  Table(const ProcessReport& report, size_t width) : width_(width) {
    AddRow([](const Column& column) { return std::string(column.title); });
    for (const ReportedProcess& process : report.processes) {
      if (process.pid <= 0 && process.state == "not started") continue;
      AddRow([&](const Column& column) { return column.text(process); });
    }
    for (size_t i = 0; i < kColumnCount; ++i) {
      for (const std::vector<std::string>& row : rows_) {
        widths_[i] = std::max(widths_[i], ColumnsOf(row[i]));
      }
    }
    Fit();
  }

  std::string Text() const {
    std::string text;
    for (const std::vector<std::string>& row : rows_) {
      std::string line;
      for (size_t i = 0; i < kColumnCount; ++i) {
        if (!is_shown_[i]) continue;
        if (!line.empty()) line += kGap;
        AppendPadded(line, CutToColumns(row[i], widths_[i]), widths_[i], kColumns[i].is_left);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + '\n';
    }
    return text;
  }

 private:
  template <typename ToText>
  void AddRow(ToText to_text) {
    std::vector<std::string>& row = rows_.emplace_back();
    for (const Column& column : kColumns) row.push_back(OneLine(to_text(column)));
  }

  size_t TotalWidth() const {
    size_t total = 0;
    for (size_t i = 0; i < kColumnCount; ++i) {
      if (is_shown_[i]) total += widths_[i] + (i > 0 ? kGap.size() : 0);
    }
    return total;
  }

  void Fit() {
    std::fill(std::begin(is_shown_), std::end(is_shown_), true);
    if (width_ == 0) return;
    constexpr size_t kName = 0;
    constexpr size_t kState = kColumnCount - 1;
    const size_t state = widths_[kState];
    for (;;) {
      // A long state is cut before another column goes.
      const size_t name = std::min(widths_[kName], kSmallestName);
      size_t rest = TotalWidth() - widths_[kName];
      if (is_shown_[kState]) {
        widths_[kState] = std::min<size_t>(state, 12);
        rest = TotalWidth() - widths_[kName];
      }
      if (rest + name <= width_) {
        widths_[kName] = std::min(widths_[kName], width_ - rest);
        if (is_shown_[kState])
          widths_[kState] = std::min(state, widths_[kState] + width_ - TotalWidth());
        return;
      }
      size_t next = kName;
      for (size_t i = 0; i < kColumnCount; ++i) {
        if (is_shown_[i] && kColumns[i].leaves > kColumns[next].leaves) next = i;
      }
      if (next == kName) {
        widths_[kName] = width_;
        return;
      }
      is_shown_[next] = false;
    }
  }

  const size_t width_;
  std::vector<std::vector<std::string>> rows_;
  size_t widths_[kColumnCount] = {};
  bool is_shown_[kColumnCount] = {};
};

std::string Totals(const ProcessReport& report) {
  size_t count = 0;
  uint64_t private_bytes = 0;
  uint64_t proportional = 0;
  for (const ReportedProcess& process : report.processes) {
    count += process.sample.stat.ok();
    if (!process.sample.memory.ok()) continue;
    private_bytes += process.sample.memory->private_bytes();
    proportional += process.sample.memory->proportional;
  }
  return absl::StrFormat("%d processes: %s private, %s proportional; read in %.1f ms", count,
                         ShortBytes(private_bytes), ShortBytes(proportional),
                         static_cast<double>(report.took_nanos) / kNanosPerMilli);
}

}  // namespace

std::string CutToColumns(const std::string& text, size_t columns) {
  if (ColumnsOf(text) <= columns) return text;
  if (columns == 0) return "";
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if (BeginsCharacter(text[end]) && seen++ == columns - 1) break;
  }
  return text.substr(0, end) + "…";
}

std::string ToOwnText(const ProcessReport& report, size_t width) {
  std::string text;
  for (const ReportedProcess& process : report.processes) {
    if (!process.own) continue;
    std::string line = process.name + ": ";
    if (process.own->ok()) {
      const OwnFigures& own = **process.own;
      absl::StrAppendFormat(&line, "malloc %s of %s", ShortBytes(own.malloc_in_use),
                            ShortBytes(own.malloc_arenas));
      for (const auto& [path, bytes] : own.figures) {
        absl::StrAppendFormat(&line, "; %s %s", path, ShortBytes(bytes));
      }
      if (own.left_out > 0) absl::StrAppendFormat(&line, "; %d left out", own.left_out);
    } else {
      line += std::string(process.own->status().message());
    }
    line = OneLine(line);
    text += (width > 0 ? CutToColumns(line, width) : line) + "\n";
  }
  return text;
}

std::string ToTable(const ProcessReport& report, size_t width) {
  std::string text = Table(report, width).Text();
  const auto add = [&](const std::string& line) {
    text += (width > 0 ? CutToColumns(line, width) : line) + "\n";
  };
  add("");
  add(Totals(report));
  std::set<std::string> reasons;
  for (const ReportedProcess& process : report.processes) {
    const ProcessSample& sample = process.sample;
    if (process.pid <= 0 || process.role == ProcessRole::kThread) continue;
    for (const absl::Status& status :
         {sample.stat.status(), sample.memory.status(), sample.descriptors.status()}) {
      if (!status.ok()) reasons.insert(OneLine(std::string(status.message())));
    }
  }
  for (const std::string& reason : reasons) add("- " + reason);
  return text;
}

}  // namespace forkserver
