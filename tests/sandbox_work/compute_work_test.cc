// Bytes in, bytes out: a small interpreter, of programs that strangers have written.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "tests/sandbox_work/work_host.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using sandbox_work::Begin;
using sandbox_work::End;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::WorkHost;
using testing::HostSetup;

int64_t Pop(std::vector<int64_t>& stack) {
  if (stack.empty()) Fail("nothing there");
  const int64_t top = stack.back();
  stack.pop_back();
  return top;
}

// Reverse Polish.
int64_t Interpret(absl::string_view program) {
  std::vector<int64_t> stack;
  for (const absl::string_view word : absl::StrSplit(program, ' ')) {
    int64_t number;
    if (absl::SimpleAtoi(word, &number)) {
      stack.push_back(number);
      continue;
    }
    const int64_t right = Pop(stack);
    const int64_t left = Pop(stack);
    if (word == "+") {
      stack.push_back(left + right);
    } else if (word == "*") {
      stack.push_back(left * right);
    } else {
      Fail("what is " + std::string(word));
    }
  }
  return Pop(stack);
}

// Each message is a program, until an empty one.
std::string Compute(ChildContext& context) {
  std::string answers;
  while (context.channel.Receive() == ReceiveOutcome::kMessage) {
    const std::span<const uint8_t> payload = context.channel.packet().payload();
    if (payload.empty()) break;
    try {
      answers += std::to_string(
          Interpret({reinterpret_cast<const char*>(payload.data()), payload.size()}));
    } catch (const std::exception& error) {
      answers += error.what();
    }
    answers += "; ";
  }
  return answers;
}

void Send(const LaunchedChild& child, std::string_view text) {
  SendPacket(child.socket.get(), Blocking::kWait, {.type = testing::kEcho},
             {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, {});
}

HOST_TEST(ComputeWork, InterpretsProgramsThatComeOverItsChannel) {
  absl::StatusOr<LaunchedChild> child = Begin(server, SandboxPolicyId::kComputeOnly, "compute");
  ASSERT_TRUE(child.ok()) << child.status();
  for (const std::string_view program : {"1 2 + 14 *", "+", "1 2 system", ""}) {
    Send(*child, program);
  }
  EXPECT_EQ(End(*std::move(child)), "42; nothing there; what is system; ");
  EXPECT_EQ(RefusedCalls(server), "");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  return WorkHost({{.name = "compute", .run = Compute}}, {SandboxPolicyId::kComputeOnly});
}

}  // namespace forkserver
