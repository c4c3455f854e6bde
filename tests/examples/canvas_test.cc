// Pages of the browser are painted on the canvases that were made for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <inttypes.h>
#include <stdio.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "examples/browser_host/browser.h"
#include "examples/browser_host/load/served_sites.h"
#include "examples/browser_host/setup.h"
#include "examples/browser_host/sites.h"
#include "forkserver/model/parent_process.h"
#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/event_loop.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options = browser_host::MakeStartOptions({});
  setup.options.under_memory_pressure = UnderPressure::kKeepPools;
  // The server keeps the prefs that the body gives it: one descriptor more.
  setup.drain_after_body = false;
  return setup;
}

namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// What is mapped there, as /proc/self/maps has it.
std::string MappedAt(const void* address) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    if (sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2) continue;
    if (wanted >= begin && wanted < end) return line;
  }
  return "nothing";
}

HOST_TEST(Canvas, IsWhatPagesArePaintedOn) {
  const testing::TemporaryFolder folder;
  for (int page = 0; page < 5; ++page) {
    std::ofstream(folder.path() + "/" + std::to_string(page) + ".html")
        << "<title>page</title><p style='height: 700px'>high enough for one";
  }
  const auto loop = EventLoop::Create();
  ASSERT_TRUE(loop.ok()) << loop.status();
  const auto parent = ParentProcess::Create({.server = server, .loop = **loop});
  ASSERT_TRUE(parent.ok()) << parent.status();
  PrefsStore prefs;
  ASSERT_TRUE((*parent)->SetPrefs(*prefs.Publish()).ok());
  browser_host::PassedOver passed_over;
  const auto sites = browser_host::FindSites({folder.path()}, passed_over);
  ASSERT_TRUE(sites.ok()) << sites.status();
  std::vector<std::string> mapped;
  const auto result = browser_host::OpenSites(
      **parent, *sites,
      {.served = browser_host::ServedSites(*sites),
       .paint_width = 800,
       .on_picture = [&](const std::string&,
                         const std::shared_ptr<const browser_host::Picture>& picture) {
         mapped.push_back(MappedAt(picture->argb().data()));
         return std::string();
       }});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(mapped.size(), 5u);
  // The first may have come before one was made.
  EXPECT_THAT(mapped, Contains(HasSubstr("/memfd:canvas")));
}

}  // namespace
}  // namespace forkserver
