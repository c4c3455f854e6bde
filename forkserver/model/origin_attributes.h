// What keeps two documents of one site apart: their container and private browsing.
//
//     OriginAttributes{.user_context_id = 2, .private_browsing_id = 1}.ToSuffix()
//                                             // "^userContextId=2&privateBrowsingId=1"
//     OriginAttributes::FromSuffix("")        // the default ones
//
// The suffix is written as Gecko writes it (caps/OriginAttributes.cpp): members in this order,
// those that are 0 left out, and nothing at all where all are 0. One set of attributes has one
// text, and whatever is not that text is refused: it is part of the names of processes.
#ifndef FORKSERVER_MODEL_ORIGIN_ATTRIBUTES_H_
#define FORKSERVER_MODEL_ORIGIN_ATTRIBUTES_H_

#include <stdint.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace forkserver {

struct OriginAttributes {
  uint32_t user_context_id = 0;      // the container; 0: none
  uint32_t private_browsing_id = 0;  // 0: not private

  friend bool operator==(const OriginAttributes&, const OriginAttributes&) = default;

  std::string ToSuffix() const;

  // The exact inverse of ToSuffix. InvalidArgument for anything else, also for `^userContextId=0`,
  // `^userContextId=02`, another order and names that are not known.
  static absl::StatusOr<OriginAttributes> FromSuffix(std::string_view suffix);
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_ORIGIN_ATTRIBUTES_H_
