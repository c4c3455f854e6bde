// What a call's arguments point at: paths and structs in the caller's memory, and what its
// descriptors are open on.
//
//     CallerArguments arguments(caller);
//     std::string text;
//     int error = arguments.CopyPath(call.path, text);
//     if (error == 0) path = arguments.Asked(call.path, text, call.resolve, error);
//     if (arguments.caller_is_gone()) ...                  // nothing is to be answered
//
// Each is copied once, and the caller asked afterwards whether it still waits: what was read is
// then its own, and nothing that it writes later changes what is done.
//
// An int is 0, or the error to answer with: EACCES of a process that does not let the host look in.
//
// Threads: the one that carries out the call.
#ifndef FORKSERVER_HOST_BROKER_CALLER_ARGUMENTS_H_
#define FORKSERVER_HOST_BROKER_CALLER_ARGUMENTS_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string>

#include "forkserver/host/broker/asked_path.h"
#include "forkserver/host/broker/brokered_call.h"
#include "forkserver/host/broker/caller.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// The link to a caller's descriptor in /proc. stat and access go through it to the open file.
struct DescriptorLink {
  char text[sizeof("/proc//fd/") + 2 * 11] = {};
};

class CallerArguments {
 public:
  explicit CallerArguments(Caller& caller) : caller_(caller) {}

  bool caller_is_gone() const { return caller_is_gone_; }

  int CopyPath(const PathArgument& argument, std::string& text);
  int CopyBytes(uint64_t address, void* bytes, size_t size);
  // openat2's struct, where the call has one: applies it to the call.
  int CopyOpenHow(BrokeredCall& call);

  // The path as asked for, or nothing and an error. `resolve`: openat2's.
  std::optional<AskedPath> Asked(const PathArgument& argument, const std::string& text,
                                 uint64_t resolve, int& error);

  DescriptorLink LinkTo(int descriptor) const;
  // Ours, of the same open file.
  int CopyDescriptor(int descriptor, UniqueFd& copy);

  // Of an answer, into the caller's memory.
  int WriteResult(uint64_t address, const void* bytes, size_t size);

 private:
  int DirectoryOf(int descriptor, std::string& path);
  int Gone();

  Caller& caller_;
  bool caller_is_gone_ = false;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_CALLER_ARGUMENTS_H_
