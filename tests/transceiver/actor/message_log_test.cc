// What FORKSERVER_IPC_LOG prints: each kind of line once, of the actors that were asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "tests/testing/program.h"

namespace forkserver {
namespace {

using testing::ProgramResult;
using Log = std::vector<std::string>;

ProgramResult RunVictim(const std::string& what, const std::optional<std::string>& wanted) {
  std::vector<std::string> added;
  if (wanted) added.push_back("FORKSERVER_IPC_LOG=" + *wanted);
  return testing::RunProgram(
      testing::Program{.argv = {"tests/transceiver/actor/logging_victim", what},
                       .environment = testing::VictimEnvironment(added)});
}

// The lines without their times, which never go back, and with "me" for the writer's pid.
Log LogOf(const std::string& what, const std::string& wanted = "all") {
  const ProgramResult result = RunVictim(what, wanted);
  EXPECT_EQ(result.exit_code, 0) << result.how << "\n" << result.errors;
  static const std::regex kLine(R"(\[time: (\d+)\]\[(\d+)(->|<-)(\d+|\?)\] (.*))");
  Log log;
  std::string pid;
  long long last = 0;
  for (const std::string& line : testing::Lines(result.errors)) {
    std::smatch parts;
    if (!std::regex_match(line, parts, kLine)) {
      ADD_FAILURE() << "no line of the log: " << line;
      continue;
    }
    EXPECT_GE(std::stoll(parts[1]), last) << line;
    last = std::stoll(parts[1]);
    if (pid.empty()) pid = parts[2];
    log.push_back("[" + (parts[2] == pid ? "me" : parts[2].str()) + parts[3].str() +
                  parts[4].str() + "] " + parts[5].str());
  }
  return log;
}

// How often each line came.
int CountOf(const Log& log, const std::string& line) {
  return static_cast<int>(std::count(log.begin(), log.end(), line));
}

TEST(MessageLog, HasEachMessageAnswerRefusalAndGoodbyeOfBothSides) {
  EXPECT_EQ(LogOf("talk"),
            (Log{
                "[me->?] [PHotlineParent] Sending  PHotline::Msg_GetAssistance",
                "[me<-?] [PHotlineChild] Received  PHotline::Msg_GetAssistance",
                "[me->?] [PHotlineChild] Sending reply PHotline::Reply_GetAssistance",
                "[me<-?] [PHotlineParent] Received reply PHotline::Reply_GetAssistance",
                "[me->?] [PHotlineChild] Sending  PHotline::Msg_AskParent",
                "[me<-?] [PHotlineParent] Received  PHotline::Msg_AskParent",
                "[me->?] [PHotlineParent] Sending reply PHotline::Reject_AskParent: "
                "nobody\\x0ais \\x1b[31mhere",
                "[me<-?] [PHotlineChild] Received reply PHotline::Reject_AskParent: "
                "nobody\\x0ais \\x1b[31mhere",
                "[me->?] [PHotlineChild] Sending  PHotline::Msg_Note",
                "[me<-?] [PHotlineParent] Received  PHotline::Msg_Note",
                "[me->?] [PHotlineChild] Sending  PHotline::Goodbye",
                "[me<-?] [PHotlineParent] Received  PHotline::Goodbye",
                "[me->?] [PHotlineParent] Lost PHotline::Msg_Note: "
                "Hotline Note: too late to send, message lost",
            }));
}

TEST(MessageLog, HasTheSentinelAndItsAnswer) {
  EXPECT_EQ(LogOf("deliver"), (Log{
                                  "[me->?] [PHotlineParent] Sending  PHotline::Sentinel",
                                  "[me<-?] [PHotlineChild] Received  PHotline::Sentinel",
                                  "[me->?] [PHotlineChild] Sending  PHotline::SentinelAnswer",
                                  "[me<-?] [PHotlineParent] Received  PHotline::SentinelAnswer",
                                  "[me->?] [PHotlineParent] Sending  PHotline::Goodbye",
                                  "[me<-?] [PHotlineChild] Received  PHotline::Goodbye",
                              }));
}

TEST(MessageLog, HasWhatWaitedInTheQueueWhenItsActorClosed) {
  const Log log = LogOf("close full", "PHotlineParent");
  const Log expected = {
      "[me->?] [PHotlineParent] Sending  PHotline::Msg_Note",
      "[me->?] [PHotlineParent] Sending  PHotline::Goodbye",
      "[me->?] [PHotlineParent] Lost PHotline::Msg_Note: closed",
      "[me->?] [PHotlineParent] Lost PHotline::Msg_Note: closed",
  };
  ASSERT_GT(log.size(), expected.size());
  EXPECT_EQ(Log(log.end() - 4, log.end()), expected);
}

TEST(MessageLog, HasWhatWaitedInTheQueueForAPeerThatWent) {
  const Log log = LogOf("lose the peer");
  const auto lost = std::count_if(log.begin(), log.end(), [](const std::string& line) {
    return line.starts_with("[me->?] [PHotlineParent] Lost PHotline::Msg_Note: ");
  });
  EXPECT_EQ(lost, 2) << log.back();
  EXPECT_EQ(log.back(),
            "[me<-?] [PHotlineParent] Ended  PHotline: Hotline: the peer went without Goodbye");
  // The rest lay in the socket.
  EXPECT_EQ(CountOf(log, "[me->?] [PHotlineParent] Sending  PHotline::Msg_Note"),
            lost + CountOf(log,
                           "[me<-?] [PHotlineChild] Lost PHotline::Msg_Note: "
                           "the actor was destroyed"));
}

TEST(MessageLog, HasWhatTheKernelDidNotTakeAndWhatWaitedBehindIt) {
  if (RunVictim("send what cannot go", {}).exit_code == 77) GTEST_SKIP() << "no io_uring here";
  const Log log = LogOf("send what cannot go", "PHotlineParent");
  const Log expected = {
      "[me->?] [PHotlineParent] Lost PHotline::Msg_Note: sendmsg: EINVAL",
      "[me->?] [PHotlineParent] Lost PHotline::Msg_GetAssistance: sendmsg: EINVAL",
      "[me<-?] [PHotlineParent] Lost PHotline::Reply_GetAssistance: "
      "Hotline: what was queued is lost: sendmsg: EINVAL",
      "[me<-?] [PHotlineParent] Ended  PHotline: "
      "Hotline: what was queued is lost: sendmsg: EINVAL",
  };
  ASSERT_GT(log.size(), expected.size());
  EXPECT_EQ(Log(log.end() - 4, log.end()), expected);
}

TEST(MessageLog, HasWhatTheQueueHadNoRoomFor) {
  const Log log = LogOf("refuse", "PHotlineParent");
  const auto found = std::find_if(log.begin(), log.end(), [](const std::string& line) {
    return line.find("Lost") != std::string::npos;
  });
  ASSERT_NE(found, log.end());
  EXPECT_TRUE(
      found->starts_with("[me->?] [PHotlineParent] Lost PHotline::Msg_Note: Hotline Note: "
                         "1 messages and "))
      << *found;
}

TEST(MessageLog, HasWhatWasSentToAProcessThatNeverWas) {
  EXPECT_EQ(LogOf("never launch"),
            (Log{
                "[me->?] [PHotlineParent] Sending  PHotline::Msg_Note",
                "[me->?] [PHotlineParent] Sending  PHotline::Msg_GetAssistance",
                "[me->?] [PHotlineParent] Lost PHotline::Msg_Note: never launched",
                "[me->?] [PHotlineParent] Lost PHotline::Msg_GetAssistance: never launched",
                "[me<-?] [PHotlineParent] Lost PHotline::Reply_GetAssistance: never launched",
                "[me<-?] [PHotlineParent] Ended  PHotline: never launched",
            }));
}

TEST(MessageLog, HasThePeersPidsFromTheirEndpoints) {
  EXPECT_EQ(LogOf("send early"), (Log{
                                     "[me->?] [PHotlineParent] Sending  PHotline::Msg_Note",
                                     "[me<-1001] [PHotlineChild] Received  PHotline::Msg_Note",
                                     "[me->1002] [PHotlineParent] Sending  PHotline::Goodbye",
                                     "[me<-1001] [PHotlineChild] Received  PHotline::Goodbye",
                                 }));
}

TEST(MessageLog, HasWhatADestroyedActorLeavesUnreadAndUnanswered) {
  EXPECT_EQ(LogOf("destroy"),
            (Log{
                "[me->?] [PHotlineParent] Sending  PHotline::Msg_GetAssistance",
                "[me->?] [PHotlineParent] Sending  PHotline::Msg_Note",
                "[me<-?] [PHotlineChild] Lost PHotline::Msg_GetAssistance: "
                "the actor was destroyed",
                "[me<-?] [PHotlineChild] Lost PHotline::Msg_Note: the actor was destroyed",
                "[me<-?] [PHotlineChild] Ended  PHotline: the actor was destroyed",
                "[me<-?] [PHotlineParent] Lost PHotline::Reply_GetAssistance: "
                "Hotline: the peer went without Goodbye",
                "[me<-?] [PHotlineParent] Ended  PHotline: Hotline: the peer went without Goodbye",
            }));
}

TEST(MessageLog, HasWhatIsNotHandledAnyMore) {
  EXPECT_EQ(LogOf("drop", "PHotlineChild"),
            (Log{
                "[me<-?] [PHotlineChild] Received  PHotline::Msg_Note",
                "[me<-?] [PHotlineChild] Lost PHotline::Msg_Note: this side handles no more",
                "[me<-?] [PHotlineChild] Received  PHotline::Goodbye",
            }));
}

TEST(MessageLog, HasTheAnswerThatNobodyWaitsForAnyMore) {
  EXPECT_EQ(LogOf("ask", "PHotlineChild"),
            (Log{
                "[me->?] [PHotlineChild] Sending  PHotline::Msg_AskParent",
                "[me<-?] [PHotlineChild] Received reply PHotline::Reply_AskParent",
                "[me->?] [PHotlineChild] Sending  PHotline::Goodbye",
            }));
}

TEST(MessageLog, HasTheAnswerThatACallerHasWaitedFor) {
  EXPECT_EQ(LogOf("wait", "PHotlineChild"),
            (Log{
                "[me->?] [PHotlineChild] Sending  PHotline::Msg_AskParent",
                "[me<-?] [PHotlineChild] Received reply PHotline::Reply_AskParent",
                "[me->?] [PHotlineChild] Sending  PHotline::Goodbye",
            }));
}

TEST(MessageLog, HasTheNumberOfWhatHasNoName) {
  EXPECT_EQ(LogOf("pretend"),
            (Log{
                "[me<-?] [PHotlineParent] Received  PHotline::Msg_#12",
                "[me<-?] [PHotlineParent] Ended  PHotline: Hotline: unknown message 12",
                "[me<-?] [PHotlineParent] Received reply PHotline::Reply_#7",
                "[me<-?] [PHotlineParent] Ended  PHotline: Hotline: an answer to request 7, which "
                "waits for none",
                // It says nothing of how the parent is called.
                "[me<-?] [PHotlineParent] Ended  PHotline: Hotline: told its pid by a peer that "
                "is not the parent process",
            }));
}

TEST(MessageLog, CallsAChildWhatItsParentCallsIt) {
  const Log log = LogOf("tell pid");
  ASSERT_GE(log.size(), 3u);
  EXPECT_EQ(log[0], "[me->1002] [PHotlineParent] Sending  PHotline::Msg_Note");
  EXPECT_EQ(log[1], "[1002<-1001] [PHotlineChild] Received  PHotline::Msg_Note");
  EXPECT_EQ(log[2], "[1002->1001] [PHotlineChild] Sending  PHotline::Msg_Note");
}

TEST(MessageLog, IsOfTheActorsThatAreNamed) {
  const Log of_parent = {"[me->?] [PHotlineParent] Sending  PHotline::Sentinel",
                         "[me<-?] [PHotlineParent] Received  PHotline::SentinelAnswer",
                         "[me->?] [PHotlineParent] Sending  PHotline::Goodbye"};
  EXPECT_EQ(LogOf("deliver", "PHotlineParent"), of_parent);
  EXPECT_EQ(LogOf("deliver", "PDummyChild, PHotlineParent"), of_parent);
  EXPECT_EQ(LogOf("deliver", "PHotlineParent,PHotlineChild").size(), 6u);
  EXPECT_EQ(LogOf("deliver", "1").size(), 6u);
  for (const char* const others : {"PHotline", "HotlineParent", "photlineparent", "PDummyParent",
                                   "XHotlineParent", "PHotlineParents", "0", ",", " "}) {
    EXPECT_EQ(LogOf("deliver", others), Log()) << others;
  }
}

TEST(MessageLog, IsOffUnlessItIsAskedFor) {
  for (const std::optional<std::string>& wanted : {std::optional<std::string>(), {""}}) {
    const ProgramResult result = RunVictim("talk", wanted);
    EXPECT_EQ(result.exit_code, 0) << result.how;
    EXPECT_EQ(result.errors, "");
  }
}

}  // namespace
}  // namespace forkserver
