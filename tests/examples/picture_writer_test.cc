// Pictures are written beside whoever has them, and it is known which could not be.
#include "examples/browser_host/picture_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>
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

// Writes nothing until it is let.
class SlowDisk {
 public:
  PictureWriter::WriteOne AsWriteOne() {
    return [gate = gate_.get_future().share(), written = written_](const auto&, const auto&) {
      gate.wait();
      ++*written;
      return absl::OkStatus();
    };
  }
  void Answer() { gate_.set_value(); }
  int written() const { return *written_; }

 private:
  std::promise<void> gate_;
  std::shared_ptr<std::atomic<int>> written_ = std::make_shared<std::atomic<int>>(0);
};

TEST_F(PictureWriters, WhoeverHasPicturesWaitsOnlyWhereManyWait) {
  SlowDisk disk;
  PictureWriter writer(*PictureFolder::Make(folder_.path()), disk.AsWriteOne());
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
  disk.Answer();
  caller.Join();
  EXPECT_TRUE(writer.Finish().empty());
  EXPECT_EQ(disk.written(), 6);
}

TEST_F(PictureWriters, DoNotWaitForADiskWhereTheProgramIsToEnd) {
  SlowDisk disk;
  std::promise<void> over;
  bool is_stopped = false;
  forkserver::WatchedThread caller([&] {
    PictureWriter writer(*PictureFolder::Make(folder_.path()), disk.AsWriteOne());
    writer.StopWaitingWhen([&] { return std::exchange(is_stopped, true); });
    for (size_t i = 0; i < PictureWriter::kMostWaiting + 2; ++i) {
      writer.Add("https://a.test/", Pixel());
    }
    const std::vector<PictureWriter::Failure> failures = writer.Finish();
    EXPECT_EQ(failures.size(), PictureWriter::kMostWaiting + 2);
    for (const PictureWriter::Failure& failure : failures) {
      EXPECT_EQ(failure.why.message(), "write " + failure.name + ": not done when it was to stop");
    }
    writer.Add("https://b.test/", Pixel());
    EXPECT_EQ(writer.Finish().size(), 1u);
    over.set_value();
  });
  EXPECT_EQ(over.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(disk.written(), 0);
  disk.Answer();
}

TEST_F(PictureWriters, WriteNothingIntoAPipe) {
  ASSERT_EQ(mkfifo(Path("a.test.png.new").c_str(), 0600), 0);
  ASSERT_EQ(symlink("/nowhere", Path("b.test.png.new").c_str()), 0);
  std::ofstream(Path("c.test.png.new")) << "left by one that was killed";
  PictureWriter writer(*PictureFolder::Make(folder_.path()));
  for (const char* name : {"a", "b", "c"}) {
    writer.Add(std::string("https://") + name + ".test/", Pixel());
  }
  const std::vector<PictureWriter::Failure> failures = writer.Finish();
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0].why.message(),
            "open " + Path("a.test.png.new") + ": it is there, and no file");
  EXPECT_EQ(failures[1].why.message(),
            "open " + Path("b.test.png.new") + ": it is there, and no file");
  EXPECT_TRUE(std::filesystem::is_regular_file(Path("c.test.png")));
  EXPECT_FALSE(std::filesystem::exists(Path("c.test.png.new")));
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
