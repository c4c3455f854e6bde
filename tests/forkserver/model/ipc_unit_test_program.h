// The ipc-unit-test process: it runs the actors' tests, or one side of them, and says what failed.
//
//     IpcUnitTestHost host(parent, ProcessType::kIpcUnitTest);
//     host.Launch({});
//     host.Call(RunChildSide{.name = "OrderIsKept", .end = std::move(pair->child)},
//               [](absl::StatusOr<CaseResult> result) { EXPECT_EQ(result->failures, ""); });
//
// A case runs within the message that asks for it. The descriptors are counted before and after.
// The class is of any type: registered for sandboxed ones, it runs the same in their sandboxes.
#ifndef TESTS_FORKSERVER_MODEL_IPC_UNIT_TEST_PROGRAM_H_
#define TESTS_FORKSERVER_MODEL_IPC_UNIT_TEST_PROGRAM_H_

#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "child/process/child_process.h"
#include "forkserver/model/process_host.h"
#include "tests/forkserver/model/line.h"

namespace forkserver::testing {

// Empty: it passed.
struct CaseResult {
  Text<4096> failures = {};
  auto Fields() { return std::tie(failures); }
};

// Cases of actor_cases.h.
struct RunParentSide {
  static constexpr std::string_view kName = "RunParentSide";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = CaseResult;
  Text<64> name = {};
  Endpoint<Line, Side::kParent> end = {};
  auto Fields() { return std::tie(name, end); }
};
struct RunChildSide {
  static constexpr std::string_view kName = "RunChildSide";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = CaseResult;
  Text<64> name = {};
  Endpoint<Line, Side::kChild> end = {};
  auto Fields() { return std::tie(name, end); }
};

// Waits for the host's answer to AskHost, once shorter than that takes.
struct WaitForHost {
  static constexpr std::string_view kName = "WaitForHost";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = CaseResult;
};
struct AskHost {
  static constexpr std::string_view kName = "AskHost";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = Assistance;
  Text<64> question = {};
  auto Fields() { return std::tie(question); }
};

// Sends the Lie, with which the host finds a breach of the protocol.
struct TellALie {
  static constexpr std::string_view kName = "TellALie";
  static constexpr SentBy kSentBy = SentBy::kParent;
};
struct Lie {
  static constexpr std::string_view kName = "Lie";
  static constexpr SentBy kSentBy = SentBy::kChild;
};

struct IpcUnitTestProtocol {
  static constexpr std::string_view kName = "IpcUnitTest";
  using Messages =
      TopLevelMessages<RunParentSide, RunChildSide, WaitForHost, AskHost, TellALie, Lie>;
};

class IpcUnitTestChild : public ChildProcess<IpcUnitTestChild, IpcUnitTestProtocol> {
 public:
  IpcUnitTestChild() = default;
  using ChildProcess::Receive;
  absl::Status Receive(RunParentSide& message, Resolver<CaseResult> resolver);
  absl::Status Receive(RunChildSide& message, Resolver<CaseResult> resolver);
  absl::Status Receive(WaitForHost& message, Resolver<CaseResult> resolver);
  absl::Status Receive(TellALie&) { return Send(Lie{}); }
};

class IpcUnitTestHost : public ProcessHost<IpcUnitTestHost, IpcUnitTestProtocol> {
 public:
  using ProcessHost::ProcessHost;
  using ProcessHost::Receive;
  // "slow" is answered with the next question.
  absl::Status Receive(AskHost& message, Resolver<Assistance> resolver);
  absl::Status Receive(Lie&) { return absl::InvalidArgumentError("that is not so"); }
  void OnEnd(const ProcessEnd& end) override { this->end.emplace(end); }

  std::optional<ProcessEnd> end;

 private:
  Resolver<Assistance> slow_;
};

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_MODEL_IPC_UNIT_TEST_PROGRAM_H_
