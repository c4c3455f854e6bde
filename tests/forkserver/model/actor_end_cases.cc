#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/forkserver/model/actor_cases.h"
#include "transceiver/poll_until.h"

namespace forkserver::testing {
namespace {

// So many wait behind a socket that holds four of them.
constexpr uint32_t kLargeNotes = 40;
const std::vector<uint8_t> kLargeBody(60'000);

template <Side kSide>
void ExpectTooLate(LineSide<kSide>& line) {
  EXPECT_EQ(line.end.Send(Note{}),
            absl::FailedPreconditionError("Line Note: too late to send, message lost"));
}

template <Side kSide>
void CloseFirst(LineSide<kSide>& line) {
  line.Bind();
  ASSERT_TRUE(line.end.Send(Note{.number = 0}).ok());
  ASSERT_TRUE(line.Until([&] { return !line.end.events.empty(); }));
  line.end.Close();
  ExpectTooLate(line);
  line.UntilEnd();
  EXPECT_EQ(line.end.events, NotesAndEnd(1));
}
template <Side kSide>
void BeClosed(LineSide<kSide>& line) {
  line.end.on_note = [&](Note&) { return line.end.Send(Note{.number = 0}); };
  line.Bind();
  line.UntilEnd();
  ExpectTooLate(line);
  EXPECT_EQ(line.end.events, NotesAndEnd(1));
  EXPECT_TRUE(line.end.ends[0].why.ok());
}

void AskInVain(ParentLine& line) {
  line.Bind();
  const absl::Status answer = AskOver(line, "are you there").status();
  EXPECT_EQ(answer, absl::UnavailableError("Line GetAssistance: closed before the answer"));
  line.UntilEnd();
}
void CloseInsteadOfAnswering(ChildLine& line) {
  Resolver<Assistance> waiting;
  line.end.on_question = [&](const std::string&, Resolver<Assistance> resolver) {
    waiting = std::move(resolver);
    line.end.CloseSoon();
    return absl::OkStatus();
  };
  line.Bind();
  line.UntilEnd();
}

// The peer's handler of note 0 does not return, so that nothing more is read, until the gate is
// open or gone.
class Gate {
 public:
  Gate() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    far_.reset(ends[0]);
    near_.reset(ends[1]);
  }
  Note AsNote() { return {.number = 0, .file = Descriptor{std::move(far_)}}; }
  void Open() { near_.reset(); }

  static void WaitAt(ChildLine& line) {
    line.end.on_note = [&line](Note& note) {
      if (note.number != 0) return absl::OkStatus();
      char byte;
      EXPECT_EQ(read(line.end.files.back().get(), &byte, 1), 0);
      return absl::OkStatus();
    };
  }

 private:
  UniqueFd far_;
  UniqueFd near_;
};

void CloseBehindAFullQueue(ParentLine& line) {
  line.Bind();
  Gate gate;
  ASSERT_TRUE(line.end.Send(gate.AsNote()).ok());
  for (uint32_t i = 1; i < kLargeNotes; ++i) {
    ASSERT_TRUE(line.end.Send(Note{.number = i, .body = {kLargeBody}}).ok());
  }
  ASSERT_GT(line.end.queued_messages(), 0u);
  line.end.CloseWhenDelivered();
  ExpectTooLate(line);
  EXPECT_FALSE(line.end.is_ended());
  gate.Open();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, Events{"end normal"});
}
void ReadAllOfIt(ChildLine& line) {
  Gate::WaitAt(line);
  line.Bind();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, NotesAndEnd(kLargeNotes));
}

void FillTheQueue(ParentLine& line) {
  line.Bind({.max_queued_messages = 5});
  Gate gate;
  ASSERT_TRUE(line.end.Send(gate.AsNote()).ok());
  uint32_t sent = 1;
  absl::Status last;
  for (; last.ok() && sent < kLargeNotes; sent += last.ok() ? 1 : 0) {
    last = line.end.Send(Note{.number = sent, .body = {kLargeBody}});
  }
  ASSERT_TRUE(absl::IsResourceExhausted(last)) << last;
  EXPECT_EQ(line.end.queued_messages(), 5u);
  bool has_room = false;
  line.end.OnRoom([&] { has_room = true; });
  for (int i = 0; i < 3; ++i) line.loop->Run(0);
  EXPECT_FALSE(has_room);
  gate.Open();
  ASSERT_TRUE(line.Until([&] { return has_room; }));
  ASSERT_TRUE(line.end.Send(Note{.number = sent++}).ok());
  const absl::StatusOr<std::string> counted = AskOver(line, "how many");
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(*counted, std::to_string(sent));
  CloseAndEnd(line);
}
void CountWhatComes(ChildLine& line) {
  Gate::WaitAt(line);
  size_t count = 0;
  line.end.on_question = [&](const std::string&, Resolver<Assistance> resolver) {
    count = line.end.events.size() - 1;
    line.end.events.pop_back();
    return resolver.Resolve({.words = std::to_string(count)});
  };
  line.Bind();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, NotesAndEnd(count));
}

constexpr ActorCase kCases[] = {
    {"CloseByTheParentsSideIsANormalEnd", CloseFirst<Side::kParent>, BeClosed<Side::kChild>},
    {"CloseByTheChildsSideIsANormalEnd", BeClosed<Side::kParent>, CloseFirst<Side::kChild>},
    {"CallThatIsNotAnsweredBeforeTheEndIsRefused", AskInVain, CloseInsteadOfAnswering},
    {"CloseWhenDeliveredLosesNothing", CloseBehindAFullQueue, ReadAllOfIt},
    {"SenderIsHeldBackUntilItsPeerReads", FillTheQueue, CountWhatComes},
};

void SeeAnAbnormalEnd(ParentLine& line) {
  line.Bind();
  ASSERT_TRUE(line.end.Send(Note{.number = 0}).ok());
  line.UntilEnd();
  EXPECT_EQ(line.end.events, Events{"end abnormal"});
  EXPECT_EQ(line.end.ends[0].why, absl::UnavailableError("Line: the peer went without Goodbye"));
  EXPECT_TRUE(line.end.violations.empty());
}
void Exit(ChildLine& line) {
  line.end.on_note = [](Note&) -> absl::Status { exit(0); };
  line.Bind();
  line.UntilEnd();
  ADD_FAILURE() << "it was to exit";
}

void SeeABreach(ParentLine& line) {
  line.Bind();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, Events{"end abnormal"});
  ASSERT_EQ(line.end.violations.size(), 1u);
  EXPECT_EQ(line.end.violations[0].message(), "Line Note field 1: the message ends in it");
}
void Break(ChildLine& line) {
  const UniqueFd socket = line.endpoint.Take().socket;
  constexpr uint16_t kNote = kFirstApplicationType + Line::Messages::IndexOf<Note>();
  EXPECT_EQ(SendPacket(socket.get(), Blocking::kNever, {.type = kNote}, {}, {}), 0);
  EXPECT_EQ(PollUntil(socket.get(), POLLIN, NowNanos() + 7 * kNanosPerSecond), 1);
}

constexpr ActorCase kBadEnds[] = {
    {kExitCase, SeeAnAbnormalEnd, Exit},
    {kBreachCase, SeeABreach, Break},
};

}  // namespace

std::span<const ActorCase> EndCases() { return kCases; }
std::span<const ActorCase> BadEndCases() { return kBadEnds; }

}  // namespace forkserver::testing
