// Whether a process may use what is for some remote types only, such as a privileged actor.
//
//     constexpr RemoteTypeKind kLoginsActor[] = {RemoteTypeKind::kPrivilegedAbout};
//     MayUse(kLoginsActor, type)      // false for `web`
//
// Nobody is implied: where none is named none may, not even the parent; and a blank process may
// nothing, whoever names it, since it will be something else. Pure, any thread.
#ifndef FORKSERVER_MODEL_MAY_USE_H_
#define FORKSERVER_MODEL_MAY_USE_H_

#include <algorithm>
#include <span>

#include "forkserver/model/remote_type.h"

namespace forkserver {

inline bool MayUse(std::span<const RemoteTypeKind> allowed, const RemoteType& type) {
  return type.kind != RemoteTypeKind::kPrealloc &&
         std::find(allowed.begin(), allowed.end(), type.kind) != allowed.end();
}

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_MAY_USE_H_
