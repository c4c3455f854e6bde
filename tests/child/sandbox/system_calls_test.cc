#include "child/sandbox/system_calls.h"

#include <errno.h>
#include <sys/syscall.h>

#include "gtest/gtest.h"

namespace forkserver {
namespace {

using Kind = CallAnswer::Kind;

constexpr CallAnswer kAsked = {.kind = Kind::kAsk, .error = 0};

CallAnswer Refused(int error) { return {.kind = Kind::kRefuse, .error = error}; }

const SystemCalls::Rule& RuleOf(const SystemCalls& calls, long call) {
  return calls.rules().at(call);
}

TEST(SystemCalls, WhatIsNotNamedIsUnknown) {
  EXPECT_EQ(SystemCalls().AnswerTo(SYS_read), Refused(ENOSYS));
}

TEST(SystemCalls, WhatMeetsNoConditionIsRefusedWithEpermUnlessItIsSaidOtherwise) {
  SystemCalls calls;
  calls.AllowWhen(SYS_fcntl, {Argument(1).IsInt(3)});
  EXPECT_EQ(calls.AnswerTo(SYS_fcntl), Refused(EPERM));
  calls.Refuse(EINVAL, {SYS_fcntl});
  EXPECT_EQ(calls.AnswerTo(SYS_fcntl), Refused(EINVAL));
  EXPECT_EQ(RuleOf(calls, SYS_fcntl).allowed_when.size(), 1u);
}

TEST(SystemCalls, ConditionsAddUpAndKeepTheAnswerBeforeThem) {
  SystemCalls calls;
  calls.Refuse(ENOTTY, {SYS_ioctl}).AllowWhen(SYS_ioctl, {Argument(1).IsInt(1)});
  calls.AllowWhen(SYS_ioctl, {Argument(1).IsInt(2)});
  EXPECT_EQ(calls.AnswerTo(SYS_ioctl), Refused(ENOTTY));
  EXPECT_EQ(RuleOf(calls, SYS_ioctl).allowed_when.size(), 2u);
}

TEST(SystemCalls, AnAskAfterConditionsTakesTheirPlace) {
  SystemCalls calls;
  calls.AllowWhen(SYS_newfstatat, {Argument(3).HasAll(0x1000)}).Ask({SYS_newfstatat});
  EXPECT_EQ(calls.AnswerTo(SYS_newfstatat), kAsked);
  EXPECT_TRUE(RuleOf(calls, SYS_newfstatat).allowed_when.empty());
}

TEST(SystemCalls, OfTwoAddedTheSecondHolds) {
  SystemCalls calls;
  calls.Kill({SYS_ptrace, SYS_kill}).Allow({SYS_read});
  calls.Add(SystemCalls().Allow({SYS_kill}).Refuse(EPERM, {SYS_read}));
  EXPECT_EQ(calls.AnswerTo(SYS_ptrace).kind, Kind::kKill);
  EXPECT_TRUE(RuleOf(calls, SYS_kill).is_allowed);
  EXPECT_FALSE(RuleOf(calls, SYS_read).is_allowed);
  EXPECT_EQ(calls.AnswerTo(SYS_read), Refused(EPERM));
}

TEST(SystemCalls, AddedConditionsKeepWhatWasSaidOfTheOthers) {
  SystemCalls calls;
  calls.AllowWhen(SYS_ioctl, {Argument(1).IsInt(1)}).Refuse(ENOTTY, {SYS_ioctl});
  calls.Add(SystemCalls().AllowWhen(SYS_ioctl, {Argument(1).IsInt(2)}));
  EXPECT_EQ(calls.AnswerTo(SYS_ioctl), Refused(ENOTTY));
  EXPECT_EQ(RuleOf(calls, SYS_ioctl).allowed_when.size(), 2u);
  calls.Add(SystemCalls().AllowWhen(SYS_ioctl, {Argument(1).IsInt(3)}).Kill({SYS_ioctl}));
  EXPECT_EQ(calls.AnswerTo(SYS_ioctl).kind, Kind::kKill);
  EXPECT_EQ(RuleOf(calls, SYS_ioctl).allowed_when.size(), 3u);
}

TEST(SystemCalls, WhatIsRefusedUntoldIsRefusedAsOtherwiseAndToldAgainByALaterRefuse) {
  SystemCalls calls;
  calls.AllowWhen(SYS_mremap, {Argument(3).IsInt(1)}).RefuseUntold(ENOMEM, {SYS_mremap});
  EXPECT_EQ(calls.AnswerTo(SYS_mremap),
            (CallAnswer{.kind = Kind::kRefuse, .error = ENOMEM, .told = HostIsTold::kNo}));
  EXPECT_EQ(RuleOf(calls, SYS_mremap).allowed_when.size(), 1u);
  calls.Refuse(ENOMEM, {SYS_mremap});
  EXPECT_EQ(calls.AnswerTo(SYS_mremap), Refused(ENOMEM));
}

TEST(SystemCalls, AConditionOnAnIntLooksAtItsBitsOnly) {
  const ArgumentCondition minus_one = Argument(0).IsInt(-1);
  EXPECT_EQ(minus_one.value, 0xffffffffu);
  EXPECT_EQ(minus_one.mask, 0xffffffffu);
}

}  // namespace
}  // namespace forkserver
