#include "examples/browser_host/picture_book.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/gallery.h"
#include "examples/browser_host/picture_folder.h"
#include "examples/browser_host/write_file.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

// Of a window, in CSS pixels.
constexpr uint32_t kPaintWidth = 800;

absl::Status MayWriteIn(const std::string& folder) {
  // The dot is ENOTDIR of what is no folder.
  if (access((folder + "/.").c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return forkserver::ErrnoStatus(errno, "access " + folder);
}

// As a link in `file` names it.
std::string LinkTo(const std::string& folder, const std::string& file) {
  return std::filesystem::absolute(folder)
      .lexically_relative(std::filesystem::absolute(file).parent_path())
      .string();
}

}  // namespace

absl::StatusOr<PictureBook> PictureBook::Make(const CommandLine& line) {
  PictureBook book;
  book.gallery_ = line.gallery;
  book.folder_path_ = line.pictures;
  if (line.pictures.empty() && !line.gallery.empty()) {
    book.folder_path_ = line.gallery + ".pictures";
  }
  if (book.folder_path_.empty()) return book;
  if (!line.gallery.empty()) {
    // First: where it cannot be, its pictures mostly cannot either, in a folder that nobody named.
    const auto file = std::filesystem::absolute(line.gallery);
    absl::Status may = MayWriteIn(file.parent_path().string());
    if (may.ok()) may = MayReplace(line.gallery);
    if (!may.ok()) {
      return absl::Status(may.code(), absl::StrCat("gallery: ", may.message()));
    }
  }
  absl::StatusOr<PictureFolder> folder = PictureFolder::Make(book.folder_path_);
  if (!folder.ok()) return folder.status();
  if (absl::Status may = MayWriteIn(book.folder_path_); !may.ok()) return may;
  book.writer_ = std::make_unique<PictureWriter>(*std::move(folder));
  return book;
}

void PictureBook::AddTo(BrowserOptions& options) {
  if (writer_ == nullptr) return;
  options.paint_width = kPaintWidth;
  options.paints_errors = true;
  options.on_picture = [this](const std::string& url, std::shared_ptr<const Picture> picture) {
    return writer_->Add(url, std::move(picture));
  };
}

void PictureBook::StopWaitingWhen(std::function<bool()> is_stopped) {
  if (writer_ != nullptr) writer_->StopWaitingWhen(std::move(is_stopped));
}

void PictureBook::Settle(BrowserResult& result) {
  if (writer_ == nullptr) return;
  std::map<std::string, std::string> failed;
  for (const PictureWriter::Failure& failure : writer_->Finish()) {
    written_.Update(failure.why);
    failed[failure.name] = std::string(failure.why.message());
  }
  for (OpenedPage& page : result.pages) {
    const auto found = failed.find(page.picture_file);
    if (found == failed.end()) continue;
    page.picture_file.clear();
    page.result.no_picture = found->second;
  }
}

absl::Status PictureBook::Close(const BrowserResult& result, const forkserver::ForkServer& server,
                                SpokenLines& lines) {
  const auto pictures =
      std::count_if(result.pages.begin(), result.pages.end(),
                    [](const OpenedPage& page) { return !page.picture_file.empty(); });
  if (pictures > 0) {
    lines.Say(WroteLine(
        absl::StrFormat("%d picture%s to %s", pictures, pictures == 1 ? "" : "s", folder_path_)));
  }
  if (gallery_.empty()) return written_;
  const absl::Status gallery =
      WriteGallery(gallery_, LinkTo(folder_path_, gallery_), result, server);
  if (gallery.ok()) lines.Say(WroteLine(gallery_));
  written_.Update(gallery);
  return written_;
}

}  // namespace browser_host
