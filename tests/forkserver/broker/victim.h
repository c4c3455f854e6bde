// A sandboxed process for tests of the broker: it has a filter whose notifications come to the
// test, and makes the system calls that it is told to.
//
//     Victim victim;                                         // this program, started again
//     auto id = broker->Serve(victim.TakeListener(), {rules});
//     auto child = broker->Register(*id, victim.pid(), 0, ProcessType::kContent);
//     EXPECT_EQ(victim.Call(SYS_openat, {AT_FDCWD, "/etc/hosts", O_RDONLY}).value, 5);
//
// All calls that the broker knows are notified, and some more that a policy may refuse. A main of
// its own (victim.cc) tells the test from its victims, so depend on this in place of
// googletest_main. The victim dies with the thread that started it.
#ifndef TESTS_FORKSERVER_BROKER_VICTIM_H_
#define TESTS_FORKSERVER_BROKER_VICTIM_H_

#include <stdint.h>
#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "forkserver/host/process.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {

// A number, a string that is passed by its address, or room for so many bytes of an answer.
class VictimArgument {
 public:
  struct Room {
    size_t bytes;
  };

  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  VictimArgument(T number) : number_(static_cast<uint64_t>(number)) {}  // NOLINT: a list of them
  VictimArgument(const char* text) : text_(text), is_text_(true) {}     // NOLINT
  VictimArgument(std::string text)                                      // NOLINT
      : text_(std::move(text)), is_text_(true) {}
  VictimArgument(Room room) : text_(room.bytes, '\0'), is_text_(true) {}  // NOLINT

 private:
  friend class Victim;
  uint64_t number_ = 0;
  std::string text_;
  bool is_text_ = false;
};

struct VictimAnswer {
  long value = -1;
  int error = 0;
  std::string room;  // what is in its strings and rooms now, one after the other
};

enum class CallsFrom : uint8_t { kMainThread, kNewThread };
// A timer's signal, every so many microseconds, with a handler that restarts calls.
enum class SignalStorm : uint8_t { kNo, kYes };

class Victim {
 public:
  explicit Victim(SignalStorm storm = SignalStorm::kNo);

  UniqueFd TakeListener() { return std::move(listener_); }
  pid_t pid() const { return process_.pid(); }
  Process& process() { return process_; }

  VictimAnswer Call(long number, std::initializer_list<VictimArgument> arguments,
                    CallsFrom from = CallsFrom::kMainThread);
  // The two halves: the call is on its way, and what came of it (ECONNRESET: the victim ended).
  void Begin(long number, std::initializer_list<VictimArgument> arguments,
             CallsFrom from = CallsFrom::kMainThread);
  VictimAnswer End();
  // Whether there is an answer yet.
  bool HasAnswer() const;
  // The same call so many times, without coming back in between: nanoseconds for each.
  double Time(long number, std::initializer_list<VictimArgument> arguments, uint32_t times);

 private:
  void Send(uint32_t how, uint32_t times, long number,
            std::initializer_list<VictimArgument> arguments);

  Process process_;
  UniqueFd socket_;
  UniqueFd listener_;
};

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_BROKER_VICTIM_H_
