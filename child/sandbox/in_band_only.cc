#include "child/sandbox/in_band_only.h"

#include <errno.h>
#include <sys/socket.h>

namespace forkserver {

void AllowInBandOnly(SystemCalls& calls, unsigned flags, std::initializer_list<long> senders) {
  for (const long call : senders) calls.AllowWhen(call, {Argument(flags).HasNone(MSG_OOB)});
  calls.Refuse(EOPNOTSUPP, senders);
}

}  // namespace forkserver
