// Whose call it is: by process, by thread, and by a registration that comes after the call.
#include "forkserver/host/broker/child_registry.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "transceiver/clock.h"

namespace forkserver::broker_internal {
namespace {

constexpr pid_t kPid = 1000;

class ChildRegistryTest : public ::testing::Test {
 protected:
  static std::shared_ptr<ServedListener> NewListener() {
    return std::make_shared<ServedListener>(UniqueFd(), std::vector<Ruleset>());
  }
  std::shared_ptr<Child> NewChild(pid_t pid) const {
    auto child = std::make_shared<Child>();
    child->served = served_;
    child->pid = pid;
    return child;
  }
  // Of the thread `tid` of the process `pid`.
  Call CallOf(pid_t pid, pid_t tid) const {
    Call call = {.served = served_, .pid = pid};
    call.notification.pid = static_cast<uint32_t>(tid);
    return call;
  }

  const std::shared_ptr<ServedListener> served_ = NewListener();
  ChildRegistry registry_{2};
};

// Somebody else has reaped the first, whose owner does not know of that yet.
TEST_F(ChildRegistryTest, APidIsItsNextChildsAndStaysSoWhenTheFirstIsRemoved) {
  const std::shared_ptr<Child> first = NewChild(kPid);
  const std::shared_ptr<Child> next = NewChild(kPid);
  registry_.Add(first);
  registry_.Add(next);
  EXPECT_EQ(registry_.FindByThread(CallOf(kPid, kPid)), next);
  registry_.Remove(*first);
  EXPECT_EQ(registry_.FindByThread(CallOf(kPid, kPid)), next);
  registry_.Remove(*next);
  EXPECT_EQ(registry_.FindByThread(CallOf(kPid, kPid)), nullptr);
}

TEST_F(ChildRegistryTest, TheMainThreadsCallIsItsChilds) {
  const std::shared_ptr<Child> child = NewChild(kPid);
  registry_.Add(child);
  EXPECT_EQ(registry_.FindByThread(CallOf(kPid, kPid)), child);
  EXPECT_EQ(registry_.FindByProcess(CallOf(kPid, kPid)), child);
  EXPECT_EQ(registry_.FindByThread(CallOf(kPid + 1, kPid + 1)), nullptr);
}

TEST_F(ChildRegistryTest, APidOfAnotherListenersIsNobodys) {
  registry_.Add(NewChild(kPid));
  Call call = CallOf(kPid, kPid);
  call.served = NewListener();
  EXPECT_EQ(registry_.FindByThread(call), nullptr);
  EXPECT_EQ(registry_.FindByProcess(call), nullptr);
}

// Of this process, since the kernel is asked whether a known thread is still that process's.
TEST_F(ChildRegistryTest, AnotherThreadIsKnownOnceItsProcessWasFoundAndAsLongAsItIsThere) {
  const std::shared_ptr<Child> child = NewChild(getpid());
  registry_.Add(child);
  std::promise<pid_t> tid;
  std::promise<void> is_over;
  std::thread thread([&] {
    tid.set_value(gettid());
    is_over.get_future().wait();
  });
  const Call call = CallOf(getpid(), tid.get_future().get());
  EXPECT_EQ(registry_.FindByThread(call), nullptr);
  EXPECT_EQ(registry_.FindByProcess(call), child);
  EXPECT_EQ(registry_.FindByThread(call), child);
  registry_.Remove(*child);
  EXPECT_EQ(registry_.FindByThread(call), nullptr);
  EXPECT_TRUE(child->threads.empty());
  is_over.set_value();
  thread.join();
}

TEST_F(ChildRegistryTest, ACallWaitsUntilItsChildIsRegistered) {
  ASSERT_TRUE(registry_.Wait(CallOf(kPid, kPid), kNever));
  EXPECT_TRUE(registry_.IsWaitedFor(kPid));
  EXPECT_TRUE(registry_.TakeDue().empty());
  const std::shared_ptr<Child> child = NewChild(kPid);
  registry_.Add(child);
  const std::vector<ChildRegistry::WaitingCall> due = registry_.TakeDue();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].call.child, child);
  EXPECT_FALSE(registry_.IsWaitedFor(kPid));
}

TEST_F(ChildRegistryTest, ACallWaitsNoLongerThanItsDeadline) {
  EXPECT_EQ(registry_.first_deadline(), kNever);
  const int64_t now = NowNanos();
  ASSERT_TRUE(registry_.Wait(CallOf(kPid, kPid), kNever));
  ASSERT_TRUE(registry_.Wait(CallOf(kPid + 1, kPid + 1), now));
  EXPECT_EQ(registry_.first_deadline(), now);
  const std::vector<ChildRegistry::WaitingCall> due = registry_.TakeDue();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].call.pid, kPid + 1);
  EXPECT_EQ(due[0].call.child, nullptr);
}

TEST_F(ChildRegistryTest, NoMoreCallsWaitThanMayButThoseThatArePutBack) {
  const int64_t now = NowNanos();
  ASSERT_TRUE(registry_.Wait(CallOf(kPid, kPid), now));
  ASSERT_TRUE(registry_.Wait(CallOf(kPid, kPid), now));
  EXPECT_FALSE(registry_.Wait(CallOf(kPid, kPid), now));
  const std::vector<ChildRegistry::WaitingCall> due = registry_.TakeDue();
  ASSERT_EQ(due.size(), 2u);
  registry_.PutBack(due, 1);
  EXPECT_EQ(registry_.TakeDue().size(), 1u);
}

TEST_F(ChildRegistryTest, CallsOfAListenerThatIsServedNoLongerDoNotWait) {
  ASSERT_TRUE(registry_.Wait(CallOf(kPid, kPid), kNever));
  registry_.Forget(*NewListener());
  EXPECT_TRUE(registry_.IsWaitedFor(kPid));
  registry_.Forget(*served_);
  EXPECT_FALSE(registry_.IsWaitedFor(kPid));
}

}  // namespace
}  // namespace forkserver::broker_internal
