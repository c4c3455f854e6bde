#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/forkserver/model/actor_cases.h"
#include "transceiver/mapping.h"

namespace forkserver::testing {
namespace {

// More than a socket holds, less than a socket and a queue.
constexpr uint32_t kNotes = 1000;

void OrderOnOneSide(ParentLine& line) {
  line.Bind();
  for (uint32_t i = 0; i < kNotes; ++i) ASSERT_TRUE(line.end.Send(Note{.number = i}).ok());
  ASSERT_TRUE(line.Until([&] { return line.end.events.size() >= kNotes; }));
  line.end.CloseWhenDelivered();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, NotesAndEnd(kNotes));
}
void OrderOnTheOther(ChildLine& line) {
  line.Bind();
  for (uint32_t i = 0; i < kNotes; ++i) ASSERT_TRUE(line.end.Send(Note{.number = i}).ok());
  line.UntilEnd();
  EXPECT_EQ(line.end.events, NotesAndEnd(kNotes));
}

void AskForAReply(ParentLine& line) {
  line.Bind();
  const absl::StatusOr<std::string> words = AskOver(line, "help");
  ASSERT_TRUE(words.ok()) << words.status();
  EXPECT_EQ(*words, "answer to help");
  CloseAndEnd(line);
}
void Reply(ChildLine& line) {
  line.Bind();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, (Events{"question help", "end normal"}));
}

void AskForARefusal(ParentLine& line) {
  line.Bind();
  EXPECT_EQ(AskOver(line, "may I").status(), absl::PermissionDeniedError("not you"));
  CloseAndEnd(line);
}
void Refuse(ChildLine& line) {
  line.end.on_question = [](const std::string&, Resolver<Assistance> resolver) {
    resolver.Reject(absl::PermissionDeniedError("not you"));
    return absl::OkStatus();
  };
  line.Bind();
  line.UntilEnd();
}

constexpr char kDropped[] = "Line GetAssistance: dropped unanswered";

void AskForNothing(ParentLine& line) {
  line.Bind();
  EXPECT_EQ(AskOver(line, "hello").status(), absl::AbortedError(kDropped));
  CloseAndEnd(line);
}
void Drop(ChildLine& line) {
  line.end.on_question = [](const std::string&, Resolver<Assistance>) { return absl::OkStatus(); };
  line.Bind();
  line.UntilEnd();
  EXPECT_EQ(line.end.log, Events{kDropped});
}

void AnswerAtOnce(ParentLine& line) {
  line.Bind();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, (Events{"question now", "end normal"}));
}
void Wait(ChildLine& line) {
  line.Bind();
  const absl::StatusOr<Assistance> reply =
      line.end.CallAndWait(AskParent{.question = "now"}, absl::Seconds(7));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->words, "answer to now");
  line.end.Close();
  line.UntilEnd();
}

void AnswerLate(ParentLine& line) {
  Resolver<Assistance> waiting;
  line.end.on_question = [&](const std::string&, Resolver<Assistance> resolver) {
    waiting = std::move(resolver);
    return absl::OkStatus();
  };
  line.Bind();
  // The child has given up.
  ASSERT_TRUE(line.Until([&] { return line.end.events.size() == 2; }));
  EXPECT_TRUE(waiting.Resolve({.words = "late"}).ok());
  ASSERT_TRUE(line.end.Send(Note{.number = 0}).ok());
  line.UntilEnd();
  EXPECT_EQ(line.end.events, (Events{"question slow", "note 1", "end normal"}));
}
void WaitTooShortly(ChildLine& line) {
  line.Bind();
  const absl::Status status =
      line.end.CallAndWait(AskParent{.question = "slow"}, absl::Milliseconds(1)).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  ASSERT_TRUE(line.end.Send(Note{.number = 1}).ok());
  // It comes behind the late answer, which did no harm.
  ASSERT_TRUE(line.Until([&] { return !line.end.events.empty(); }));
  EXPECT_TRUE(line.end.is_open());
  line.end.Close();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, NotesAndEnd(1));
}

void LendADescriptor(ParentLine& line) {
  line.Bind();
  UniqueFd lent(eventfd(3, EFD_CLOEXEC | EFD_NONBLOCK));
  const UniqueFd kept(fcntl(lent.get(), F_DUPFD_CLOEXEC, 0));
  ASSERT_TRUE(line.end.Send(Note{.number = 1, .file = Descriptor{std::move(lent)}}).ok());
  ASSERT_TRUE(line.Until([&] { return !line.end.events.empty(); }));
  eventfd_t value = 0;
  EXPECT_EQ(eventfd_read(kept.get(), &value), 0);
  EXPECT_EQ(value, 4u);
  CloseAndEnd(line);
}
void UseTheDescriptor(ChildLine& line) {
  line.Bind();
  ASSERT_TRUE(line.Until([&] { return line.end.files.size() == 1; }));
  const int file = line.end.files[0].get();
  EXPECT_EQ(fcntl(file, F_GETFD), FD_CLOEXEC);
  eventfd_t value = 0;
  EXPECT_EQ(eventfd_read(file, &value), 0);
  EXPECT_EQ(value, 3u);
  EXPECT_EQ(eventfd_write(file, 4), 0);
  ASSERT_TRUE(line.end.Send(Note{.number = 2}).ok());
  line.UntilEnd();
}

std::vector<uint8_t> PageBytes() {
  std::vector<uint8_t> bytes(100'000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i % 251);
  return bytes;
}

void ShareMemory(ParentLine& line) {
  line.Bind();
  ShowPage message;
  absl::StatusOr<SealedMemory> page = SealedMemory::Create("page", PageBytes());
  ASSERT_TRUE(page.ok()) << page.status();
  message.page = *std::move(page);
  absl::StatusOr<WritableMemory> board = WritableMemory::Create("board", 8192);
  ASSERT_TRUE(board.ok()) << board.status();
  message.board = *std::move(board);
  Mapping mapping;
  ASSERT_EQ(message.board.Map(mapping), 0);
  mapping.bytes()[0] = 7;
  bool is_answered = false;
  ASSERT_TRUE(line.end
                  .Call(message,
                        [&](absl::StatusOr<Assistance> reply) {
                          EXPECT_TRUE(reply.ok()) << reply.status();
                          is_answered = true;
                        })
                  .ok());
  ASSERT_TRUE(line.Until([&] { return is_answered; }));
  EXPECT_EQ(mapping.bytes()[8191], 8);
  CloseAndEnd(line);
}
void UseTheMemory(ChildLine& line) {
  line.end.on_page = [](ShowPage& message, Resolver<Assistance> resolver) {
    Mapping page;
    Mapping board;
    EXPECT_EQ(message.page.Map(page), 0);
    EXPECT_TRUE(std::ranges::equal(page.bytes(), PageBytes()));
    Mapping writable;
    EXPECT_EQ(
        writable.Map(message.page.size(), PROT_READ | PROT_WRITE, MAP_SHARED, message.page.fd()),
        EPERM);
    EXPECT_EQ(message.board.Map(board), 0);
    if (board.bytes().size() == 8192) {
      EXPECT_EQ(board.bytes()[0], 7);
      board.bytes()[8191] = 8;
    }
    return resolver.Resolve({});
  };
  line.Bind();
  line.UntilEnd();
  EXPECT_EQ(line.end.events, (Events{"page", "end normal"}));
}

constexpr ActorCase kCases[] = {
    {"OrderIsKept", OrderOnOneSide, OrderOnTheOther},
    {"CallIsAnswered", AskForAReply, Reply},
    {"CallIsRefusedWithItsReason", AskForARefusal, Refuse},
    {"DroppedResolverRefuses", AskForNothing, Drop},
    {"ChildWaitsForAnAnswer", AnswerAtOnce, Wait},
    {"ChildWaitsNoLongerThanItsDeadline", AnswerLate, WaitTooShortly},
    {"DescriptorArrives", LendADescriptor, UseTheDescriptor},
    {"MemoryIsShared", ShareMemory, UseTheMemory},
};

}  // namespace

std::span<const ActorCase> MessageCases() { return kCases; }

}  // namespace forkserver::testing
