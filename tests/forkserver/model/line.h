// What the actors' tests in real processes talk over: the protocol, its ends, and one side of a
// case with a loop of its own.
//
//     void AskAndClose(ParentLine& line) {
//       line.Bind();
//       ... line.end.Call(GetAssistance{...}, ...);
//       ASSERT_TRUE(line.Until([&] { return is_answered; }));
//       line.end.Close();
//       line.UntilEnd();
//     }
//
// A side is driven to its end where it is called, also in a handler of another actor's, whose loop
// stands still meanwhile. What goes wrong is a failure of GoogleTest's.
#ifndef TESTS_FORKSERVER_MODEL_LINE_H_
#define TESTS_FORKSERVER_MODEL_LINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "tests/transceiver/actor/hotline.h"
#include "transceiver/actor/shared_memory.h"

namespace forkserver::testing {

struct ShowPage {
  static constexpr std::string_view kName = "ShowPage";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Assistance;
  SealedMemory page = {};
  WritableMemory board = {};
  auto Fields() { return std::tie(page, board); }
};

struct Line {
  static constexpr std::string_view kName = "Line";
  using Messages = MessageList<GetAssistance, Note, AskParent, ShowPage>;
};

template <Side kSide>
class LineEnd : public RecordingActor<LineEnd<kSide>, kSide, Line> {
  using Recorder = RecordingActor<LineEnd<kSide>, kSide, Line>;

 public:
  using Recorder::Receive;
  absl::Status Receive(GetAssistance& message, Resolver<Assistance> resolver) {
    return Answer(message.question.str(), std::move(resolver));
  }
  absl::Status Receive(AskParent& message, Resolver<Assistance> resolver) {
    return Answer(message.question.str(), std::move(resolver));
  }
  absl::Status Receive(ShowPage& message, Resolver<Assistance> resolver) {
    this->events.push_back("page");
    return on_page(message, std::move(resolver));
  }

  std::function<absl::Status(const std::string& question, Resolver<Assistance>)> on_question;
  std::function<absl::Status(ShowPage&, Resolver<Assistance>)> on_page;

 private:
  absl::Status Answer(const std::string& question, Resolver<Assistance> resolver) {
    this->events.push_back("question " + question);
    if (on_question) return on_question(question, std::move(resolver));
    return resolver.Resolve({.words = "answer to " + question});
  }
};

template <Side kSide>
class LineSide {
 public:
  explicit LineSide(Endpoint<Line, kSide> endpoint) : endpoint(std::move(endpoint)) {}

  void Bind(ActorOptions options = {}) {
    const absl::Status bound =
        end.Bind(*loop, std::move(endpoint), end.Recording(std::move(options)));
    EXPECT_TRUE(bound.ok()) << bound;
  }

  // Less patient than whoever waits for the outcome of the case.
  template <typename Done>
  [[nodiscard]] bool Until(Done done) {
    const int64_t deadline = NowNanos() + 7 * kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop->Run(deadline);
    return done();
  }

  // The end comes, once.
  void UntilEnd() {
    EXPECT_TRUE(Until([this] { return end.is_ended(); }));
    for (int i = 0; i < 3; ++i) loop->Run(0);
    EXPECT_EQ(end.ends.size(), 1u);
  }

  // A sandbox has no io_uring.
  const std::unique_ptr<EventLoop> loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  Endpoint<Line, kSide> endpoint;  // until Bind
  LineEnd<kSide> end;
};

using ParentLine = LineSide<Side::kParent>;
using ChildLine = LineSide<Side::kChild>;

// "note 0", "note 1", ... and a normal end.
inline Events NotesAndEnd(size_t count) {
  Events events;
  for (size_t i = 0; i < count; ++i) events.push_back("note " + std::to_string(i));
  events.push_back("end normal");
  return events;
}

inline void CloseAndEnd(ParentLine& line) {
  line.end.Close();
  line.UntilEnd();
}

// Waits for the answer to `question`.
inline absl::StatusOr<std::string> AskOver(ParentLine& line, const char* question) {
  std::optional<absl::StatusOr<std::string>> answer;
  const absl::Status asked =
      line.end.Call(GetAssistance{.question = question}, [&](absl::StatusOr<Assistance> reply) {
        if (reply.ok()) {
          answer = reply->words.str();
        } else {
          answer = reply.status();
        }
      });
  if (!asked.ok()) return asked;
  if (!line.Until([&] { return answer.has_value(); })) return absl::UnknownError("no answer came");
  return *answer;
}

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_MODEL_LINE_H_
