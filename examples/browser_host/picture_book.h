// What a user has asked to have of the pages' looks: a folder of pictures, a gallery.
//
//     absl::StatusOr<PictureBook> book = PictureBook::Make(line);
//     book->AddTo(options);                                       // of OpenSites
//     ...
//     book->Settle(*result);
//     absl::Status written = book->Close(*result, server, lines);
//
// Files are written on a thread of their own (picture_writer.h), so what became of them is known
// when the book is settled. Threads: the loop's. What is added to the options borrows the book.
#ifndef EXAMPLES_BROWSER_HOST_PICTURE_BOOK_H_
#define EXAMPLES_BROWSER_HOST_PICTURE_BOOK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/browser.h"
#include "examples/browser_host/command_line.h"
#include "examples/browser_host/picture_writer.h"
#include "examples/browser_host/spoken_lines.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {

class PictureBook {
 public:
  // Makes the folder. An error: it, or the gallery's own, is none or may not be written to. Where
  // no picture is asked for, this and what follows do nothing.
  static absl::StatusOr<PictureBook> Make(const CommandLine& line);

  void AddTo(BrowserOptions& options);

  // As PictureWriter::StopWaitingWhen.
  void StopWaitingWhen(std::function<bool()> is_stopped);

  // Waits until all pictures are written: a page whose could not be has none, and why.
  void Settle(BrowserResult& result);

  // Writes the gallery, and says what was written. The first error, of which a picture that could
  // not be written is one.
  absl::Status Close(const BrowserResult& result, const forkserver::ForkServer& server,
                     SpokenLines& lines);

 private:
  PictureBook() = default;

  std::unique_ptr<PictureWriter> writer_;  // null: no picture is asked for
  std::string folder_path_;
  std::string gallery_;  // empty: there is to be none
  absl::Status written_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PICTURE_BOOK_H_
