// Utilities: pack, unpack, wait for several things at once.
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zlib.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/sandbox_work/work_host.h"

namespace forkserver {
namespace {

using sandbox_work::Check;
using sandbox_work::Do;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::WorkHost;
using testing::HostSetup;

std::string Pack(ChildContext&) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i);
  std::string packed(compressBound(text.size()), '\0');
  uLongf packed_size = packed.size();
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &packed_size,
                reinterpret_cast<const Bytef*>(text.data()), text.size(), 9) != Z_OK) {
    Fail("compress2");
  }
  std::string unpacked(text.size(), '\0');
  uLongf unpacked_size = unpacked.size();
  if (uncompress(reinterpret_cast<Bytef*>(unpacked.data()), &unpacked_size,
                 reinterpret_cast<const Bytef*>(packed.data()), packed_size) != Z_OK) {
    Fail("uncompress");
  }
  if (packed_size >= text.size() || unpacked != text) Fail("not the same");
  return "the same again";
}

// One of each, all ready at some time, each by another thread or by the clock.
std::string WaitForSeveral(ChildContext&) {
  const UniqueFd epoll(static_cast<int>(Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")));
  const UniqueFd event(static_cast<int>(Check(eventfd(0, EFD_CLOEXEC), "eventfd")));
  const UniqueFd timer(
      static_cast<int>(Check(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create")));
  int pipe_ends[2], pair[2];
  Check(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
  Check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  const UniqueFd pipe_read(pipe_ends[0]), pipe_write(pipe_ends[1]), left(pair[0]), right(pair[1]);
  for (const int fd : {event.get(), timer.get(), pipe_read.get(), left.get()}) {
    epoll_event wanted = {.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = fd}};
    Check(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
  }
  const itimerspec soon = {.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 1'000'000}};
  Check(timerfd_settime(timer.get(), 0, &soon, nullptr), "timerfd_settime");
  std::vector<std::thread> threads;
  threads.emplace_back([&] { eventfd_write(event.get(), 7); });
  threads.emplace_back([&] { Check(write(pipe_write.get(), "p", 1), "write pipe"); });
  threads.emplace_back([&] { Check(send(right.get(), "s", 1, MSG_NOSIGNAL), "send"); });
  std::set<int> ready;
  while (ready.size() < 4) {
    epoll_event events[4];
    const long count = Check(epoll_wait(epoll.get(), events, 4, 10'000), "epoll_wait");
    if (count == 0) break;
    for (long i = 0; i < count; ++i) ready.insert(events[i].data.fd);
  }
  for (std::thread& thread : threads) thread.join();
  return absl::StrFormat("%d ready", ready.size());
}

std::string HandOver(ChildContext&) {
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  std::vector<std::future<int>> results;
  for (int me = 0; me < 4; ++me) {
    results.push_back(std::async(std::launch::async, [&, me] {
      for (int round = 0; round < 100; ++round) {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait_for(lock, std::chrono::seconds(30), [&] { return turn % 4 == me; });
        ++turn;
        changed.notify_all();
      }
      return me;
    }));
  }
  int sum = 0;
  for (std::future<int>& result : results) sum += result.get();
  return absl::StrFormat("%d turns, %d", turn, sum);
}

HOST_TEST(UtilityWork, PacksAndUnpacks) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kUtility, "pack"), "the same again");
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(UtilityWork, WaitsForPipesEventsTimersAndSockets) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kUtility, "wait for several"), "4 ready");
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(UtilityWork, ThreadsHandOverToEachOther) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kUtility, "hand over"), "400 turns, 6");
  EXPECT_EQ(RefusedCalls(server), "");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  return WorkHost({{"pack", Pack}, {"wait for several", WaitForSeveral}, {"hand over", HandOver}},
                  {SandboxPolicyId::kUtility});
}

}  // namespace forkserver
