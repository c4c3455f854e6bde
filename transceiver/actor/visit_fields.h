// The fields of one type in a message, wherever they are: in structs within it, in optionals, in
// lists. For rules that hold for a kind of field, whichever message has it.
//
//     if constexpr (HasField<WritableMemory, M>()) ...      // decided when it is compiled
//     VisitFields<BrowserClaimField>(message, [&](const BrowserClaimField& claim) { ... });
//     static_assert(!HasFieldInAny<BrowserClaimField, Hotline>());
//
// Visited are those that are there, in order: an optional that is empty and a list without elements
// have none, though HasField is true of their type. What is within a visited field is not looked
// into. A container that brings its own Codec along, as List does, has to be added here: it is seen
// as one field otherwise.
#ifndef TRANSCEIVER_ACTOR_VISIT_FIELDS_H_
#define TRANSCEIVER_ACTOR_VISIT_FIELDS_H_

#include <stddef.h>

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "transceiver/actor/codec.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"

namespace forkserver {

// What a T is made of. Nothing: it is one field. ForEach calls `each` with those
// that are there.
template <typename T>
struct PartsOf {
  template <typename Field>
  static constexpr bool Has() {
    return false;
  }
  template <typename Value, typename Each>
  static void ForEach(Value&, Each&) {}
};

template <typename Field, typename T>
constexpr bool HasField() {
  if constexpr (std::is_same_v<std::remove_cv_t<T>, Field>) {
    return true;
  } else {
    return PartsOf<std::remove_cv_t<T>>::template Has<Field>();
  }
}

template <typename T>
struct PartsOf<std::optional<T>> {
  template <typename Field>
  static constexpr bool Has() {
    return HasField<Field, T>();
  }
  template <typename Value, typename Each>
  static void ForEach(Value& value, Each& each) {
    if (value) each(*value);
  }
};

template <typename T, size_t kLimit>
struct PartsOf<List<T, kLimit>> {
  template <typename Field>
  static constexpr bool Has() {
    return HasField<Field, T>();
  }
  template <typename Value, typename Each>
  static void ForEach(Value& list, Each& each) {
    for (auto& item : list.items) each(item);
  }
};

template <HasFields T>
struct PartsOf<T> {
  template <typename Field, typename... Part>
  static constexpr bool AnyHas(std::tuple<Part&...>*) {
    return (false || ... || HasField<Field, Part>());
  }
  template <typename Field>
  static constexpr bool Has() {
    return AnyHas<Field>(static_cast<decltype(std::declval<T&>().Fields())*>(nullptr));
  }
  // Fields() is not const; what a const message has is given as const all the same.
  template <typename Value, typename Each>
  static void ForEach(Value& value, Each& each) {
    const auto give = [&]<typename Part>(Part& part) {
      using Given = std::conditional_t<std::is_const_v<Value>, const Part, Part>;
      each(static_cast<Given&>(part));
    };
    std::apply([&](auto&... part) { (give(part), ...); }, const_cast<T&>(value).Fields());
  }
};

// Whether a message of a protocol has one, or a reply.
template <typename Field, typename Protocol>
constexpr bool HasFieldInAny() {
  const auto any = []<typename... M>(MessageList<M...>*) {
    return (false || ... || (HasField<Field, M>() || HasField<Field, ReplyOf<M>>()));
  };
  return any(static_cast<typename Protocol::Messages*>(nullptr));
}

// Where T can have no such field this is nothing at all.
template <typename Field, typename T, typename Visitor>
void VisitFields(T& value, Visitor&& visitor) {
  if constexpr (std::is_same_v<std::remove_cv_t<T>, Field>) {
    visitor(value);
  } else if constexpr (HasField<Field, T>()) {
    auto each = [&](auto& part) { VisitFields<Field>(part, visitor); };
    PartsOf<std::remove_cv_t<T>>::ForEach(value, each);
  }
}

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_VISIT_FIELDS_H_
