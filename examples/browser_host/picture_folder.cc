#include "examples/browser_host/picture_folder.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <sys/stat.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/write_file.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

// With ".png" and a number, and a file system's bound of 255 bytes.
constexpr size_t kMostNameBytes = 200;

absl::Status WritePng(const Picture& picture, FILE* file, const std::string& name) {
  // What its process has sent need not be there: it would be a SIGBUS in libpng.
  const absl::Status there = picture.Populate(0, picture.height());
  if (!there.ok()) return absl::Status(there.code(), absl::StrCat(name, ": ", there.message()));
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = picture.width();
  image.height = picture.height();
  // As cairo's pixels lie in memory. Alpha is the process's word too.
  image.format = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? PNG_FORMAT_BGRA : PNG_FORMAT_ARGB;
  image.flags = PNG_IMAGE_FLAG_FAST;
  const int written = png_image_write_to_stdio(&image, file, 0, picture.argb().data(), 0, nullptr);
  const int error = errno;
  png_image_free(&image);
  if (written != 0) return absl::OkStatus();
  return error != 0 ? forkserver::ErrnoStatus(error, "write " + name)
                    : absl::InternalError(absl::StrCat("write ", name, ": ", image.message));
}

}  // namespace

absl::StatusOr<PictureFolder> PictureFolder::Make(std::string path) {
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    return forkserver::ErrnoStatus(errno, "mkdir " + path);
  }
  return PictureFolder(std::move(path));
}

std::string PictureFolder::NameFor(std::string_view url) {
  url.remove_prefix(url.find("://") != url.npos ? url.find("://") + 3 : 0);
  std::string name;
  for (const char letter : url.substr(0, kMostNameBytes)) {
    const bool is_kept =
        absl::ascii_isalnum(static_cast<unsigned char>(letter)) || letter == '.' || letter == '_';
    if (is_kept) {
      name += letter;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.ends_with('-')) name.pop_back();
  // Neither hidden nor a folder.
  while (name.starts_with('.')) name.erase(0, 1);
  if (name.empty()) name = "page";
  std::string free = name;
  for (int number = 2; !names_.insert(free).second; ++number)
    free = absl::StrCat(name, "-", number);
  return free + ".png";
}

absl::Status PictureFolder::Write(const std::string& name, const Picture& picture) const {
  return WriteFile(absl::StrCat(path_, "/", name),
                   [&picture](FILE* file, const std::string& beside) {
                     return WritePng(picture, file, beside);
                   });
}

}  // namespace browser_host
