// Pictures are written beside whoever has them, and it is known which could not be.
#include "examples/browser_host/picture_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/testing/temporary_folder.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

std::shared_ptr<const Picture> Pixel() {
  const std::vector<uint8_t> pixel = {0xff, 0xff, 0xff, 0xff};
  const auto memory = forkserver::CreateSealedMemfd("picture", pixel);
  return std::make_shared<const Picture>(*Picture::Map(memory->get(), 1, 1));
}

class PictureWriters : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }

  const forkserver::testing::TemporaryFolder folder_;
};

// The first file is a pipe that nobody reads from yet, as a disk that takes its time.
TEST_F(PictureWriters, WhoeverHasPicturesWaitsOnlyWhereManyWait) {
  ASSERT_EQ(mkfifo(Path("a.test.png.new").c_str(), 0600), 0);
  PictureWriter writer(*PictureFolder::Make(folder_.path()));
  std::promise<void> given;
  std::atomic<bool> is_last_given = false;
  forkserver::WatchedThread caller([&] {
    EXPECT_EQ(writer.Add("https://a.test/", Pixel()), "a.test.png");
    for (size_t i = 0; i < PictureWriter::kMostWaiting; ++i) writer.Add("https://b.test/", Pixel());
    given.set_value();
    writer.Add("https://c.test/", Pixel());
    is_last_given = true;
  });
  EXPECT_EQ(given.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
  EXPECT_TRUE(caller.BlocksIn(SYS_futex));
  EXPECT_FALSE(is_last_given);
  const forkserver::UniqueFd reader(
      open(Path("a.test.png.new").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader.is_open());
  caller.Join();
  EXPECT_TRUE(writer.Finish().empty());
  EXPECT_TRUE(std::filesystem::is_regular_file(Path("b.test-4.png")));
  EXPECT_TRUE(std::filesystem::is_regular_file(Path("c.test.png")));
}

TEST_F(PictureWriters, SayWhichCouldNotBeWritten) {
  std::filesystem::create_directory(Path("a.test.png"));
  PictureWriter writer(*PictureFolder::Make(folder_.path()));
  writer.Add("https://a.test/", Pixel());
  writer.Add("https://b.test/", Pixel());
  const std::vector<PictureWriter::Failure> failures = writer.Finish();
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].name, "a.test.png");
  EXPECT_EQ(failures[0].why.message(),
            "write " + Path("a.test.png") + ": it is there, and no file");
  EXPECT_TRUE(std::filesystem::is_regular_file(Path("b.test.png")));
  EXPECT_TRUE(writer.Finish().empty());
}

TEST_F(PictureWriters, EndWhenAllAreWritten) {
  for (const char* name : {"a.test.png", "a.test-2.png", "a.test-3.png"}) {
    EXPECT_FALSE(std::filesystem::exists(Path(name)));
  }
  {
    PictureWriter writer(*PictureFolder::Make(folder_.path()));
    for (int i = 0; i < 3; ++i) writer.Add("https://a.test/", Pixel());
  }
  for (const char* name : {"a.test.png", "a.test-2.png", "a.test-3.png"}) {
    EXPECT_TRUE(std::filesystem::is_regular_file(Path(name)));
  }
}

}  // namespace
}  // namespace browser_host
