// A log whose reader may do anything: it has its lines in the loop's next turn, when nothing that
// wrote one is in the middle of something.
//
//     DeferredLog log(loop, [&](std::string_view line) { content.reset(); });
//     log.Write("content 7: killed, for ...");    // returns at once
//
// The reader may destroy whoever wrote a line and the log itself: what was written before is read
// all the same. It may write, which is read a turn later. Lines have been through OneLine.
//
// Ownership: borrows the loop, which outlives it. What has not been read when it is destroyed is
// read then, by its destructor: the reader must not count on whoever owns the log there. Threads:
// that of the loop. After a fork: not usable in the child.
#ifndef FORKSERVER_MODEL_DEFERRED_LOG_H_
#define FORKSERVER_MODEL_DEFERRED_LOG_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "transceiver/event_loop.h"

namespace forkserver {

class DeferredLog {
 public:
  using Reader = std::function<void(std::string_view line)>;

  // No reader: nothing is written.
  DeferredLog(EventLoop& loop, Reader reader);
  DeferredLog(const DeferredLog&) = delete;
  DeferredLog& operator=(const DeferredLog&) = delete;
  ~DeferredLog();

  void Write(std::string_view line);

 private:
  void ReadAll();

  EventLoop& loop_;
  const Reader reader_;
  std::vector<std::string> lines_;
  EventLoop::TimerId turn_ = 0;  // 0: no line waits
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_DEFERRED_LOG_H_
