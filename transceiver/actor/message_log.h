// The message log: what actors send, receive and lose, a line each on stderr.
//
//     FORKSERVER_IPC_LOG=PDummyParent,PDummyChild program      these actors
//     FORKSERVER_IPC_LOG=all program                           all of them; so does 1
//
//     [time: 3456][63085->63096] [PHotlineParent] Sending  PHotline::Msg_GetAssistance
//     [time: 3460][63096<-63085] [PHotlineChild] Received  PHotline::Msg_GetAssistance
//     [time: 3471][63096->63085] [PHotlineChild] Sending reply PHotline::Reply_GetAssistance
//     [time: 3482][63085<-63096] [PHotlineParent] Received reply PHotline::Reply_GetAssistance
//     [time: 3490][63085->63096] [PHotlineParent] Sending  PHotline::Goodbye
//     [time: 3500][63096->63085] [PHotlineChild] Lost PHotline::Msg_Note: ...why...
//     [time: 3501][63096<-63085] [PHotlineChild] Ended  PHotline: ...why...
//
// An actor is named by 'P', its protocol and its side. Names are separated by commas. One that no
// actor has is no error: each process knows only its own actors.
//
// time: NowNanos in microseconds, which is CLOCK_MONOTONIC of all processes of the machine: lines
// of host and children can be sorted by it. Lines come as they are written, and that of a message
// is written before it is sent; two processors may still write two of them in another order than
// that of their times.
// [own->peer]: what this side sends or has lost on the way out; [own<-peer]: what it receives or
// will not receive. "?": a peer whose pid this side was not told. The pids are those of the
// parent's pid namespace; where a process has not been told its own (YourPid, wire.h), which is so
// outside of the process model and before it reads the first message of its parent's, it is
// getpid()'s.
// Msg_, Reply_, Reject_ (a refusal, with its reason) and the name of a message in the protocol's
// table; its number (Msg_#12) where the table has none, or the request's (Reply_#7) where none
// waits. Lost is also what Send and Call have returned an error for. Not logged: YourPid, which is
// the log's own; packets that are no actor's, of which Ended tells; what lay unread in the socket
// of a process that died. Texts of a peer's are escaped: a line stays one, and gives a terminal no
// orders.
//
// A line is one write(2), at most 1024 bytes: lines of several processes do not mix. What stderr
// may be (closed, full, read by nobody) is in transceiver/stderr_line.h; nothing fails because of
// it, and errno stays.
//
// The environment is read once, by the first actor of a process. What a process is forked from has
// had none: so a child goes by the environment that its launch gives it, which is the host's of the
// time of its start where the launch says nothing. Off, it costs each message a comparison of a
// pointer. Threads: any. After a fork: usable, also in the child. No allocation but in ForActor.
#ifndef TRANSCEIVER_ACTOR_MESSAGE_LOG_H_
#define TRANSCEIVER_ACTOR_MESSAGE_LOG_H_

#include <stdint.h>

#include <memory>
#include <string_view>

#include "transceiver/launch_path.h"

namespace forkserver {

// What a line is about, as names that outlive it.
struct LoggedItem {
  enum class Kind : uint8_t { kMessage, kReply, kReject, kControl };
  Kind kind = Kind::kMessage;
  std::string_view name = {};
  uint64_t number = 0;  // where there is no name
};

// The lines of one actor.
class MessageLog {
 public:
  enum class Event : uint8_t {
    kSending,
    kReceived,
    kLostOnTheWayOut,
    kLostOnTheWayIn,
  };

  // Null: nobody asked for this one. `side`: "Parent" or "Child"; names outlive the log.
  FORKSERVER_LAUNCH_PATH static std::unique_ptr<MessageLog> ForActor(std::string_view protocol,
                                                                     std::string_view side) {
    return IsOn() ? ForActorThatMayBeNamed(protocol, side) : nullptr;
  }
  // Whether the environment asks for any.
  static bool IsOn();

  // What the parent process says this one's pid is. Counts for all actors of the process.
  static void TellOwnPid(int32_t pid);

  // 0: not known.
  void set_peer_pid(int32_t pid) { peer_pid_ = pid; }

  void Write(Event event, const LoggedItem& item, std::string_view why = {}) const;
  // An end without a Goodbye.
  void WriteEnd(std::string_view why) const;

 private:
  MessageLog(std::string_view protocol, std::string_view side) : protocol_(protocol), side_(side) {}
  static std::unique_ptr<MessageLog> ForActorThatMayBeNamed(std::string_view protocol,
                                                            std::string_view side);
  class Line;
  Line Begin(bool is_outgoing) const;

  const std::string_view protocol_;
  const std::string_view side_;
  int32_t peer_pid_ = 0;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_MESSAGE_LOG_H_
