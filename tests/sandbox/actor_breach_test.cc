// What a sandboxed child may do to its parent over its top-level actor: break the protocol. It is
// killed for that and reported, and nobody else is touched. The breaches come from a live process
// of each sandboxed type, on its bare socket; violation_test of the actors has more of them. That
// the parent keeps nothing of what was sent is seen where the host of each test counts its
// descriptors.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "forkserver/model/process_templates.h"
#include "tests/sandbox/actor_matrix.h"
#include "tests/sandbox/attempt_child.h"
#include "tests/testing/host_test.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = AttemptChildren();
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}

namespace testing {
namespace {

size_t MessagesOf(const ActorColumn& column) {
  return column.column.type == ProcessType::kContent ? ContentAttemptProtocol::Messages::kCount
                                                     : PlainAttemptProtocol::Messages::kCount;
}

void ExpectKilled(const ActorColumn& column, ActorMatrix& matrix, Breach breach,
                  const std::string& why) {
  absl::StatusOr<std::unique_ptr<AttemptHost>> host = matrix.Launch();
  ASSERT_TRUE(host.ok()) << host.status();
  const std::string name = (*host)->core().Name();
  const size_t lines = matrix.log().size();
  const absl::StatusOr<ProcessEnd> end = matrix.Break(**host, breach);
  ASSERT_TRUE(end.ok()) << end.status();
  ASSERT_TRUE(end->exit.ok()) << end->exit.status();
  EXPECT_EQ(end->exit->kind, ExitStatus::Kind::kKilled) << end->ToString();
  EXPECT_EQ(end->exit->code, SIGKILL);
  EXPECT_TRUE(absl::EndsWith(std::string(end->killed_for.message()), why)) << end->ToString();
  EXPECT_EQ(end->port, end->killed_for);
  ASSERT_EQ(matrix.log().size(), lines + 1);
  EXPECT_EQ(matrix.log().back(),
            absl::StrCat(name, ": killed, for ", std::string(end->killed_for.message())));
  const absl::Status alive = matrix.SiblingIsAlive();
  EXPECT_TRUE(alive.ok()) << column.name << ": " << alive;
}

void ExpectKilledForEachType(ForkServer& server, Breach breach, const std::string& why) {
  for (const ActorColumn& column : ActorColumns()) {
    SCOPED_TRACE(column.name);
    absl::StatusOr<std::unique_ptr<ActorMatrix>> matrix = ActorMatrix::Start(server, column);
    ASSERT_TRUE(matrix.ok()) << matrix.status();
    ExpectKilled(column, **matrix, breach,
                 breach == Breach::kUnknownMessage ? absl::StrCat(why, MessagesOf(column)) : why);
  }
}

HOST_TEST(ActorBreach, MessageOfTheOtherDirectionEndsItsSender) {
  ExpectKilledForEachType(server, Breach::kOtherDirection, " Try: sent in the wrong direction");
}

HOST_TEST(ActorBreach, UnknownMessageEndsItsSender) {
  ExpectKilledForEachType(server, Breach::kUnknownMessage, ": unknown message ");
}

HOST_TEST(ActorBreach, FieldOverItsLimitEndsItsSender) {
  ExpectKilledForEachType(server, Breach::kFieldOverItsLimit,
                          " StartFailed field 2: 513 bytes, at most 512");
}

HOST_TEST(ActorBreach, PacketOverTheProtocolsLimitEndsItsSender) {
  ExpectKilledForEachType(server, Breach::kPacketOverItsLimit,
                          ": malformed packet: packet over the limit");
}

HOST_TEST(ActorBreach, FloodOfDescriptorsEndsItsSenderAndLeavesNone) {
  ExpectKilledForEachType(server, Breach::kDescriptorFlood,
                          " StartFailed: 253 descriptors left over");
}

HOST_TEST(ActorBreach, ReplyToNothingEndsItsSender) {
  ExpectKilledForEachType(server, Breach::kReplyToNothing,
                          ": an answer to request 1099511627776, which waits for none");
}

HOST_TEST(ActorBreach, BytesThatAreNoMessageEndTheirSender) {
  ExpectKilledForEachType(server, Breach::kNoFrame,
                          ": malformed packet: packet shorter than a frame");
}

}  // namespace
}  // namespace testing
}  // namespace forkserver
