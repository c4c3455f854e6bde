#include "preload/prefs/prefs_parser.h"

#include <optional>

#include "absl/strings/str_format.h"

namespace forkserver {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsWord(char c) { return IsWordStart(c) || IsDigit(c); }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void AppendUtf8(uint32_t code_point, std::string& out) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
    return;
  }
  if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
  } else {
    if (code_point < 0x10000) {
      out += static_cast<char>(0xE0 | (code_point >> 12));
    } else {
      out += static_cast<char>(0xF0 | (code_point >> 18));
      out += static_cast<char>(0x80 | ((code_point >> 12) & 0x3F));
    }
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
  }
  out += static_cast<char>(0x80 | (code_point & 0x3F));
}

enum class TokenKind { kEnd, kWord, kInt, kString, kPunctuation, kBad };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  size_t start = 0;
  int line = 1;
  std::string text;  // the word, the digits, the string's value, the character; why it is bad
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) position_ = 3;
  }

  Token Next() {
    Token token;
    if (!SkipBlanks(token)) return token;
    token.start = position_;
    token.line = line_;
    if (AtEnd()) return token;
    const char c = text_[position_];
    if (IsWordStart(c)) {
      token.kind = TokenKind::kWord;
      while (!AtEnd() && IsWord(text_[position_])) token.text += text_[position_++];
    } else if (IsDigit(c)) {
      ReadInt(token);
    } else if (c == '"' || c == '\'') {
      ReadString(token);
    } else if (c == '(' || c == ')' || c == ',' || c == ';' || c == '+' || c == '-') {
      token.kind = TokenKind::kPunctuation;
      token.text = c;
      ++position_;
    } else {
      token.kind = TokenKind::kBad;
      token.text = c >= 0x20 && c < 0x7F
                       ? absl::StrFormat("unexpected character '%c'", c)
                       : absl::StrFormat("unexpected byte 0x%02x", static_cast<unsigned char>(c));
      ++position_;
    }
    return token;
  }

  // Goes behind the first `;` at or after `token`; see the header for what is skipped.
  void ResumeAfterSemicolon(const Token& token) {
    position_ = token.start;
    line_ = token.line;
    // Of the line: whether a double or single quote was found not to be closed on it. No later one
    // of its kind is then, which keeps the time linear; and what looks like a comment may be a
    // part of the broken string.
    bool stray_double = false;
    bool stray_single = false;
    while (!AtEnd()) {
      const char c = text_[position_];
      if (c == ';') {
        ++position_;
        return;
      }
      if (c == '"' || c == '\'') {
        bool& stray = c == '"' ? stray_double : stray_single;
        const size_t end = stray ? text_.npos : EndOfStringOnLine(position_);
        stray = end == text_.npos;
        position_ = stray ? position_ + 1 : end;
      } else if (!stray_double && !stray_single && StartsComment()) {
        const size_t before = position_;
        Token ignored;
        if (!SkipComment(ignored)) position_ = before + 2;
      } else {
        if (EndsLine(position_)) {
          ++line_;
          stray_double = stray_single = false;
        }
        ++position_;
      }
    }
  }

 private:
  bool AtEnd() const { return position_ >= text_.size(); }
  // LF, and CR that is not followed by one.
  bool EndsLine(size_t position) const {
    const char c = text_[position];
    return c == '\n' ||
           (c == '\r' && (position + 1 >= text_.size() || text_[position + 1] != '\n'));
  }
  char Peek(size_t ahead) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }

  bool StartsComment() const {
    const char c = text_[position_];
    return c == '#' || (c == '/' && (Peek(1) == '/' || Peek(1) == '*'));
  }

  // False: a comment does not end, and `token` says so.
  bool SkipBlanks(Token& token) {
    while (!AtEnd()) {
      const char c = text_[position_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\n') {
        if (EndsLine(position_)) ++line_;
        ++position_;
      } else if (!StartsComment()) {
        return true;
      } else if (!SkipComment(token)) {
        return false;
      }
    }
    return true;
  }

  bool SkipComment(Token& token) {
    if (text_[position_] == '/' && Peek(1) == '*') {
      // Once there is no end there is none later: looked for once, to keep the time linear.
      const size_t end = no_comment_end_ ? text_.npos : text_.find("*/", position_ + 2);
      if (end == text_.npos) {
        no_comment_end_ = true;
        token = {.kind = TokenKind::kBad,
                 .start = position_ + 2,
                 .line = line_,
                 .text = "unterminated /* comment"};
        position_ = text_.size();
        return false;
      }
      for (; position_ < end + 2; ++position_) {
        if (EndsLine(position_)) ++line_;
      }
      return true;
    }
    while (!AtEnd() && !EndsLine(position_)) ++position_;
    return true;
  }

  void ReadInt(Token& token) {
    token.kind = TokenKind::kInt;
    while (!AtEnd() && IsDigit(text_[position_])) token.text += text_[position_++];
    if (!AtEnd() && IsWordStart(text_[position_])) {
      token.kind = TokenKind::kBad;
      token.text = "unexpected character in integer";
    }
  }

  void ReadString(Token& token) {
    const char quote = text_[position_++];
    token.kind = TokenKind::kString;
    while (!AtEnd()) {
      if (EndsLine(position_)) ++line_;
      const char c = text_[position_++];
      if (c == quote) return;
      if (c == '\0') return SpoilString(token, "NUL byte in string");
      if (c != '\\') {
        token.text += c;
      } else if (const std::string_view reason = ReadEscape(token.text); !reason.empty()) {
        return SpoilString(token, reason);
      }
    }
    SpoilString(token, "unterminated string");
  }

  // A bad string is reported and resumed from at its opening quote.
  void SpoilString(Token& token, std::string_view reason) {
    token.kind = TokenKind::kBad;
    token.text = reason;
  }

  // Behind the backslash. Returns why it is no escape, or an empty string.
  std::string_view ReadEscape(std::string& out) {
    if (AtEnd()) return "unterminated string";
    switch (text_[position_++]) {
      case 'n':
        out += '\n';
        return {};
      case 'r':
        out += '\r';
        return {};
      case '"':
        out += '"';
        return {};
      case '\'':
        out += '\'';
        return {};
      case '\\':
        out += '\\';
        return {};
      case 'x': {
        const std::optional<uint32_t> value = ReadHex(2);
        if (!value) return "malformed \\x escape";
        if (*value == 0) return "\\x00 is not allowed";
        out += static_cast<char>(*value);
        return {};
      }
      case 'u':
        return ReadUnicodeEscape(out);
      default:
        return "unexpected character after '\\'";
    }
  }

  std::string_view ReadUnicodeEscape(std::string& out) {
    std::optional<uint32_t> value = ReadHex(4);
    if (!value) return "malformed \\u escape";
    if (*value == 0) return "\\u0000 is not allowed";
    if (*value >= 0xDC00 && *value <= 0xDFFF) return "low surrogate without a high one";
    if (*value >= 0xD800 && *value <= 0xDBFF) {
      if (Peek(0) != '\\' || Peek(1) != 'u') return "high surrogate without a low one";
      position_ += 2;
      const std::optional<uint32_t> low = ReadHex(4);
      if (!low) return "malformed \\u escape";
      if (*low < 0xDC00 || *low > 0xDFFF) return "high surrogate without a low one";
      value = 0x10000 + ((*value - 0xD800) << 10) + (*low - 0xDC00);
    }
    AppendUtf8(*value, out);
    return {};
  }

  std::optional<uint32_t> ReadHex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = HexDigit(Peek(0));
      if (digit < 0) return std::nullopt;
      value = value * 16 + static_cast<uint32_t>(digit);
      ++position_;
    }
    return value;
  }

  // One past the closing quote of the string that opens at `start`, or npos if its line ends
  // first.
  size_t EndOfStringOnLine(size_t start) const {
    for (size_t i = start + 1; i < text_.size() && !EndsLine(i); ++i) {
      if (text_[i] == text_[start]) return i + 1;
      if (text_[i] == '\\' && i + 1 < text_.size() && !EndsLine(i + 1)) ++i;
    }
    return text_.npos;
  }

  std::string_view text_;
  size_t position_ = 0;
  int line_ = 1;
  bool no_comment_end_ = false;
};

class Parser {
 public:
  Parser(std::string_view text, const PrefSink& sink) : lexer_(text), sink_(sink) {}

  void Run() {
    for (;;) {
      Advance();
      if (token_.kind == TokenKind::kEnd) return;
      ParsedPref pref;
      if (std::optional<std::string> error = ParseStatement(pref)) {
        // A token that is bad in itself says more than what was expected in its place.
        sink_.on_error(
            {.line = token_.line, .reason = token_.kind == TokenKind::kBad ? token_.text : *error});
        lexer_.ResumeAfterSemicolon(token_);
      } else {
        sink_.on_pref(std::move(pref));
      }
    }
  }

 private:
  using Error = std::optional<std::string>;

  void Advance() { token_ = lexer_.Next(); }

  bool Is(char punctuation) const {
    return token_.kind == TokenKind::kPunctuation && token_.text[0] == punctuation;
  }

  // On an error, token_ is the token that did not fit.
  Error ParseStatement(ParsedPref& pref) {
    pref.line = token_.line;
    if (Error error = ParseKeyword(pref)) return error;
    Advance();
    if (!Is('(')) return "expected '(' after the keyword";
    Advance();
    if (token_.kind != TokenKind::kString) return "expected the pref's name in quotes after '('";
    pref.name = token_.text;
    Advance();
    if (!Is(',')) return "expected ',' after the pref's name";
    Advance();
    if (Error error = ParseValue(pref.value)) return error;
    Advance();
    if (Error error = ParseAttributes(pref)) return error;
    Advance();
    if (!Is(';')) return "expected ';' after ')'";
    return std::nullopt;
  }

  Error ParseKeyword(ParsedPref& pref) {
    if (token_.kind != TokenKind::kWord) return "expected pref, user_pref, sticky_pref or lockPref";
    if (token_.text == "user_pref") {
      pref.kind = ParsedPref::Kind::kUser;
    } else if (token_.text == "sticky_pref") {
      pref.sticky = true;
    } else if (token_.text == "lockPref") {
      pref.locked = pref.overrides_lock = true;
    } else if (token_.text != "pref") {
      return absl::StrFormat("unknown keyword '%s'", token_.text);
    }
    return std::nullopt;
  }

  Error ParseValue(PrefValue& value) {
    if (token_.kind == TokenKind::kString) {
      value = token_.text;
      return std::nullopt;
    }
    if (token_.kind == TokenKind::kWord && (token_.text == "true" || token_.text == "false")) {
      value = token_.text == "true";
      return std::nullopt;
    }
    const bool negative = Is('-');
    if (negative || Is('+')) {
      Advance();
      if (token_.kind != TokenKind::kInt) return "expected an integer after the sign";
    }
    if (token_.kind != TokenKind::kInt) return "expected a value: true, false, integer or string";
    const int64_t limit = negative ? -int64_t{INT32_MIN} : INT32_MAX;
    int64_t magnitude = 0;
    for (const char digit : token_.text) {
      magnitude = magnitude * 10 + (digit - '0');
      if (magnitude > limit) return "integer does not fit in 32 bits";
    }
    value = static_cast<int32_t>(negative ? -magnitude : magnitude);
    return std::nullopt;
  }

  Error ParseAttributes(ParsedPref& pref) {
    while (!Is(')')) {
      if (!Is(',')) return "expected ',' or ')' after the value";
      if (pref.kind == ParsedPref::Kind::kUser) return "a user_pref has no attributes";
      Advance();
      if (token_.kind == TokenKind::kWord && token_.text == "sticky") {
        pref.sticky = true;
      } else if (token_.kind == TokenKind::kWord && token_.text == "locked") {
        pref.locked = true;
      } else {
        return "expected the attribute sticky or locked";
      }
      Advance();
    }
    return std::nullopt;
  }

  Lexer lexer_;
  const PrefSink& sink_;
  Token token_;
};

}  // namespace

void ParsePrefs(std::string_view text, const PrefSink& sink) { Parser(text, sink).Run(); }

}  // namespace forkserver
