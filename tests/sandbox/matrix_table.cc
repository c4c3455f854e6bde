#include "tests/sandbox/matrix_table.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

constexpr absl::string_view kAsAll = "·";
constexpr absl::string_view kHeading = "### ";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

bool NeedsNote(const MatrixRow& row) {
  return std::any_of(row.words.begin(), row.words.end(),
                     [](const std::string& word) { return word == "done" || word == "elsewhere"; });
}

absl::Status BadLine(size_t number, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", what));
}

// "| a | b |": "a", "b".
std::vector<std::string> CellsOf(absl::string_view line) {
  std::vector<std::string> cells = absl::StrSplit(line, '|');
  for (std::string& cell : cells) absl::StripAsciiWhitespace(&cell);
  if (cells.size() < 2 || !cells.front().empty() || !cells.back().empty()) return {};
  return {cells.begin() + 1, cells.end() - 1};
}

// Reads line by line.
class Reader {
 public:
  explicit Reader(std::span<const std::string> columns) : columns_(columns) {
    header_ = {"attempt", "all"};
    header_.insert(header_.end(), columns.begin(), columns.end());
    header_.insert(header_.end(), {"notes", "what"});
  }

  absl::Status Read(size_t number, absl::string_view line) {
    line = absl::StripAsciiWhitespace(line);
    if (line.substr(0, 3) == "## ") {
      if (absl::Status ended = EndSection(number); !ended.ok()) return ended;
      is_in_section_ = false;
      return absl::OkStatus();
    }
    if (line.substr(0, kHeading.size()) == kHeading) return BeginSection(number, line);
    if (!is_in_section_ || line.empty()) return absl::OkStatus();
    if (line.front() == '|') return ReadRow(number, line);
    return ReadNote(line);
  }

  absl::StatusOr<MatrixTable> Finish(size_t lines) {
    if (absl::Status ended = EndSection(lines); !ended.ok()) return ended;
    return std::move(table_);
  }

 private:
  absl::Status BeginSection(size_t number, absl::string_view line) {
    if (absl::Status ended = EndSection(number); !ended.ok()) return ended;
    const std::string name(line.substr(kHeading.size()));
    if (table_.Find(name) != nullptr) return BadLine(number, absl::StrCat(name, " is there twice"));
    table_.sections.push_back({.name = name});
    is_in_section_ = true;
    has_header_ = false;
    return absl::OkStatus();
  }

  absl::Status ReadRow(size_t number, absl::string_view line) {
    const std::vector<std::string> cells = CellsOf(line);
    if (!has_header_) {
      has_header_ = true;
      if (cells == header_) return absl::OkStatus();
      return BadLine(number, absl::StrCat("the header is not: ", absl::StrJoin(header_, " | ")));
    }
    if (line.find_first_not_of("|- ") == line.npos) return absl::OkStatus();
    if (cells.size() != header_.size()) {
      return BadLine(number, absl::StrCat(cells.size(), " cells, not ", header_.size()));
    }
    MatrixRow row = {.attempt = cells[0], .words = {}, .what = cells.back()};
    if (row.attempt.size() < 3 || row.attempt.front() != '`' || row.attempt.back() != '`') {
      return BadLine(number, absl::StrCat("'", row.attempt, "' is no attempt's name"));
    }
    row.attempt = row.attempt.substr(1, row.attempt.size() - 2);
    const std::string& all = cells[1];
    if (!IsMatrixWord(all)) return BadLine(number, absl::StrCat("'", all, "' is no word"));
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cells[i + 2];
      if (cell != kAsAll && !IsMatrixWord(cell)) {
        return BadLine(number, absl::StrCat(columns_[i], ": '", cell, "' is no word"));
      }
      row.words.push_back(cell == kAsAll ? all : cell);
    }
    for (const absl::string_view note :
         absl::StrSplit(cells[cells.size() - 2], absl::ByAnyChar(", "), absl::SkipEmpty())) {
      int value = 0;
      if (!absl::SimpleAtoi(note, &value)) return BadLine(number, "a note that is no number");
      row.notes.insert(value);
    }
    if (NeedsNote(row) && row.notes.empty()) {
      return BadLine(number, absl::StrCat("no note says why ", row.attempt, " may be done"));
    }
    if (table_.sections.back().Find(row.attempt) != nullptr) {
      return BadLine(number, absl::StrCat(row.attempt, " is there twice"));
    }
    table_.sections.back().rows.push_back(std::move(row));
    return absl::OkStatus();
  }

  // "1. Why.", and the lines that go on with it.
  absl::Status ReadNote(absl::string_view line) {
    std::map<int, std::string>& notes = table_.sections.back().notes;
    const size_t dot = line.find(". ");
    int value = 0;
    if (dot != line.npos && absl::SimpleAtoi(line.substr(0, dot), &value)) {
      notes[value] = std::string(line.substr(dot + 2));
      last_note_ = value;
    } else if (!notes.empty()) {
      absl::StrAppend(&notes[last_note_], "\n   ", line);
    }
    return absl::OkStatus();
  }

  absl::Status EndSection(size_t number) {
    if (!is_in_section_) return absl::OkStatus();
    const MatrixSection& section = table_.sections.back();
    std::set<int> named;
    for (const MatrixRow& row : section.rows) {
      for (const int note : row.notes) {
        if (section.notes.count(note) == 0) {
          return BadLine(number, absl::StrCat(row.attempt, ": there is no note ", note));
        }
        named.insert(note);
      }
    }
    if (named.size() == section.notes.size()) return absl::OkStatus();
    return BadLine(number, absl::StrCat(section.name, " has a note that no row names"));
  }

  const std::span<const std::string> columns_;
  std::vector<std::string> header_;
  MatrixTable table_;
  bool is_in_section_ = false;
  bool has_header_ = false;
  int last_note_ = 0;
};

const std::string& MostFrequent(const std::vector<std::string>& words) {
  return *std::max_element(words.begin(), words.end(), [&](const auto& one, const auto& other) {
    return std::count(words.begin(), words.end(), one) <
           std::count(words.begin(), words.end(), other);
  });
}

std::vector<std::string> CellsOf(const MatrixRow& row) {
  const std::string& all = MostFrequent(row.words);
  std::vector<std::string> cells = {absl::StrCat("`", row.attempt, "`"), all};
  for (const std::string& word : row.words) {
    cells.push_back(word == all ? std::string(kAsAll) : word);
  }
  cells.push_back(absl::StrJoin(row.notes, ", "));
  cells.push_back(row.what);
  return cells;
}

// Of the columns that a reader of the plain text sees: "·" has two bytes.
size_t WidthOf(const std::string& cell) { return cell == kAsAll ? 1 : cell.size(); }

}  // namespace

const MatrixRow* MatrixSection::Find(std::string_view attempt) const {
  for (const MatrixRow& row : rows) {
    if (row.attempt == attempt) return &row;
  }
  return nullptr;
}

const MatrixSection* MatrixTable::Find(std::string_view name) const {
  for (const MatrixSection& section : sections) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

bool IsMatrixWord(std::string_view word) {
  for (const std::string_view outcome : {"done", "elsewhere", "killed", "unavailable"}) {
    if (word == outcome) return true;
  }
  constexpr int kErrnos = 134;
  for (int error = 1; error < kErrnos; ++error) {
    if (word == ErrnoName(error)) return true;
  }
  return false;
}

absl::StatusOr<MatrixTable> ReadMatrix(std::string_view markdown,
                                       std::span<const std::string> columns) {
  Reader reader(columns);
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(View(markdown), '\n')) {
    if (absl::Status read = reader.Read(++number, line); !read.ok()) return read;
  }
  return reader.Finish(number);
}

std::string PrintMatrix(const MatrixTable& table, std::span<const std::string> columns) {
  std::string text;
  for (const MatrixSection& section : table.sections) {
    std::vector<std::vector<std::string>> lines(1);
    lines[0] = {"attempt", "all"};
    lines[0].insert(lines[0].end(), columns.begin(), columns.end());
    lines[0].insert(lines[0].end(), {"notes", "what"});
    for (const MatrixRow& row : section.rows) lines.push_back(CellsOf(row));
    std::vector<size_t> widths(lines[0].size());
    for (const std::vector<std::string>& line : lines) {
      // The last one is as long as it is.
      for (size_t i = 0; i + 1 < line.size(); ++i)
        widths[i] = std::max(widths[i], WidthOf(line[i]));
    }
    absl::StrAppend(&text, text.empty() ? "" : "\n", kHeading, section.name, "\n\n");
    for (size_t l = 0; l < lines.size(); ++l) {
      for (size_t i = 0; i < widths.size(); ++i) {
        const std::string& cell = lines[l][i];
        const size_t width = WidthOf(cell);
        const size_t padding = widths[i] > width ? widths[i] - width : 0;
        absl::StrAppend(&text, "| ", cell, std::string(padding, ' '), " ");
      }
      absl::StrAppend(&text, "|\n");
      if (l > 0) continue;
      for (const size_t width : widths) absl::StrAppend(&text, "|", std::string(width + 2, '-'));
      absl::StrAppend(&text, "|\n");
    }
    if (!section.notes.empty()) absl::StrAppend(&text, "\n");
    for (const auto& [note, why] : section.notes) absl::StrAppend(&text, note, ". ", why, "\n");
  }
  return text;
}

}  // namespace forkserver::testing
