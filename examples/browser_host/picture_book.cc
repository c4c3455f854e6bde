#include "examples/browser_host/picture_book.h"

#include <stdint.h>

#include <filesystem>
#include <utility>

#include "examples/browser_host/gallery.h"

namespace browser_host {
namespace {

// Of a window, in CSS pixels.
constexpr uint32_t kPaintWidth = 800;

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
  absl::StatusOr<PictureFolder> folder = PictureFolder::Make(book.folder_path_);
  if (!folder.ok()) return folder.status();
  book.folder_.emplace(*std::move(folder));
  return book;
}

void PictureBook::AddTo(BrowserOptions& options) {
  if (!folder_) return;
  options.paint_width = kPaintWidth;
  options.paints_errors = true;
  options.on_picture = [this](const std::string& url, const Picture& picture) {
    absl::StatusOr<std::string> name = folder_->Write(url, picture);
    written_.Update(name.status());
    return name;
  };
}

absl::Status PictureBook::Close(const BrowserResult& result, const forkserver::ForkServer& server) {
  if (!gallery_.empty()) {
    written_.Update(WriteGallery(gallery_, LinkTo(folder_path_, gallery_), result, server));
  }
  return written_;
}

}  // namespace browser_host
