// A field that is a list of at most N others.
//
//     List<Text<64>, 16> names = {};
//     names.items.push_back("one");
//
// On the wire: u32 count and the elements. Memory grows with the elements that really came.
#ifndef TRANSCEIVER_ACTOR_LIST_H_
#define TRANSCEIVER_ACTOR_LIST_H_

#include <stddef.h>
#include <stdint.h>

#include <utility>
#include <vector>

#include "transceiver/actor/codec.h"

namespace forkserver {

template <typename T, size_t kLimit>
struct List {
  std::vector<T> items = {};
};

template <typename T, size_t kLimit>
struct Codec<List<T, kLimit>> {
  static constexpr size_t kMaxBytes = sizeof(uint32_t) + kLimit * Codec<T>::kMaxBytes;
  static constexpr size_t kMaxDescriptors = kLimit * Codec<T>::kMaxDescriptors;
  static constexpr bool kHasEndpoint = Codec<T>::kHasEndpoint;
  static constexpr bool kHasView = HasView<T>();
  static void Put(FieldWriter& out, const List<T, kLimit>& list) {
    if (!out.Allows(list.items.size(), kLimit, "elements")) return;
    out.Number(static_cast<uint32_t>(list.items.size()));
    for (const auto& item : list.items) Codec<T>::Put(out, item);
  }
  static void Get(FieldReader& in, List<T, kLimit>& list) {
    const uint32_t count = in.Number<uint32_t>();
    if (!in.Allows(count, kLimit, "elements")) return;
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      T item{};
      Codec<T>::Get(in, item);
      list.items.push_back(std::move(item));
    }
  }
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_LIST_H_
