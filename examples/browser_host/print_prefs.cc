#include "examples/browser_host/print_prefs.h"

#include <stdio.h>

#include <string>
#include <string_view>
#include <variant>

namespace browser_host {
namespace {

void AppendEscaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += c;
    }
  }
}

struct ValueText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int32_t value) const { return std::to_string(value); }
  std::string operator()(std::string_view value) const {
    std::string text;
    AppendEscaped(value, text);
    return text;
  }
};

}  // namespace

int PrintPrefsProgram::Run(forkserver::ChildContext& context) {
  for (size_t i = 0; i < context.prefs.size(); ++i) {
    const forkserver::PrefEntry entry = context.prefs.at(i);
    std::string line;
    AppendEscaped(entry.name, line);
    line += '\t';
    line += forkserver::PrefTypeName(entry.type);
    line += '\t';
    line += std::visit(ValueText(), entry.effective());
    line += '\n';
    if (fwrite(line.data(), 1, line.size(), stdout) != line.size()) return 1;
  }
  return fflush(stdout) == 0 ? 0 : 1;
}

absl::Status PrintPrefs(forkserver::ForkServer& server) {
  auto child = server.Launch({.type = forkserver::ProcessType::kUtility, .argv = {"print-prefs"}});
  if (!child.ok()) return child.status();
  absl::StatusOr<forkserver::ExitStatus> status = child->process.Wait();
  if (!status.ok()) return status.status();
  if (!status->success()) return absl::InternalError("print-prefs child " + status->ToString());
  return absl::OkStatus();
}

}  // namespace browser_host
