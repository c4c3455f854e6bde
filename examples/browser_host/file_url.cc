#include "examples/browser_host/file_url.h"

#include <algorithm>
#include <filesystem>

#include "absl/status/statusor.h"
#include "examples/browser_host/percent.h"
#include "forkserver/model/url.h"

namespace browser_host {

std::optional<std::string> PathOfFileUrl(std::string_view text) {
  const absl::StatusOr<forkserver::Url> url = forkserver::Url::Parse(text);
  if (!url.ok() || !url->HasScheme("file")) return std::nullopt;
  const std::optional<std::string> path = PercentDecode(url->path());
  if (!path) return std::nullopt;
  std::string normal = std::filesystem::path(*path).lexically_normal().string();
  // Two slashes in front mean nothing here, and one at the end is no name.
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal.substr(std::min(normal.find_first_not_of('/'), normal.size()) - 1);
}

}  // namespace browser_host
