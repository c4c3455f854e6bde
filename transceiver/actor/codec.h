// How a field of a message travels: one Codec a type, chosen at compile time.
//
//     struct Assistance {
//       Text<1024> words = {};
//       Colour colour = {};
//       std::optional<uint32_t> hint = {};
//       auto Fields() { return std::tie(words, colour, hint); }
//     };
//     constexpr Colour LastValue(Colour) { return Colour::kBlue; }   // beside the enum
//
//     static_assert(MaxEncodedBytes<Assistance>() < 2000);
//
// Here: bool, the integers of fixed width, enums that declare their last value (from 0 without
// gaps; found by argument-dependent lookup), std::optional, and structs with Fields(). The other
// types bring their Codec along: text.h, list.h, descriptor.h, shared_memory.h, endpoint.h.
//
// On the wire: numbers little-endian in their width, bool and the presence of an optional one byte
// 0 or 1, an enum as its underlying type, structs field after field. Anything that has no type here
// does not compile. A type is default-constructible; what was read of a message that turns out to
// be malformed is thrown away.
#ifndef TRANSCEIVER_ACTOR_CODEC_H_
#define TRANSCEIVER_ACTOR_CODEC_H_

#include <stddef.h>
#include <stdint.h>

#include <concepts>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "transceiver/actor/field_io.h"
#include "transceiver/launch_path.h"

namespace forkserver {

// kMaxBytes, kMaxDescriptors, kHasEndpoint, where it applies kHasView (it borrows);
// Put(FieldWriter&, const T&), Get(FieldReader&, T&).
template <typename T>
struct Codec;

// Whether a T that was read points into the packet.
template <typename T>
constexpr bool HasView() {
  if constexpr (requires { Codec<T>::kHasView; }) {
    return Codec<T>::kHasView;
  } else {
    return false;
  }
}

template <typename T>
concept HasFields = requires(T& message) {
  message.Fields();
};

template <typename E>
concept BoundedEnum = std::is_enum_v<E> && requires(E value) {
  { LastValue(value) } -> std::same_as<E>;
};

// What neither holds a descriptor nor needs a limit.
template <size_t kBytes>
struct PlainCodec {
  static constexpr size_t kMaxBytes = kBytes;
  static constexpr size_t kMaxDescriptors = 0;
  static constexpr bool kHasEndpoint = false;
};

template <std::integral T>
struct Codec<T> : PlainCodec<sizeof(T)> {
  static void Put(FieldWriter& out, T value) { out.Number(value); }
  static void Get(FieldReader& in, T& value) { value = in.Number<T>(); }
};

template <>
struct Codec<bool> : PlainCodec<1> {
  static void Put(FieldWriter& out, bool value) { out.Number<uint8_t>(value ? 1 : 0); }
  static void Get(FieldReader& in, bool& value) {
    const uint8_t byte = in.Number<uint8_t>();
    if (in.Allows(byte, 1, "of a bool")) value = byte == 1;
  }
};

template <BoundedEnum E>
struct Codec<E> : PlainCodec<sizeof(E)> {
  using Number = std::underlying_type_t<E>;
  // A negative one is larger than any last value, too.
  static bool Allows(FieldFaults& faults, Number number) {
    return faults.Allows(static_cast<std::make_unsigned_t<Number>>(number),
                         static_cast<std::make_unsigned_t<Number>>(LastValue(E{})), "of an enum");
  }
  static void Put(FieldWriter& out, E value) {
    const Number number = static_cast<Number>(value);
    if (Allows(out, number)) out.Number(number);
  }
  static void Get(FieldReader& in, E& value) {
    const Number number = in.Number<Number>();
    if (Allows(in, number)) value = static_cast<E>(number);
  }
};

template <typename T>
struct Codec<std::optional<T>> {
  static constexpr size_t kMaxBytes = 1 + Codec<T>::kMaxBytes;
  static constexpr size_t kMaxDescriptors = Codec<T>::kMaxDescriptors;
  static constexpr bool kHasEndpoint = Codec<T>::kHasEndpoint;
  static constexpr bool kHasView = HasView<T>();
  static void Put(FieldWriter& out, const std::optional<T>& value) {
    Codec<bool>::Put(out, value.has_value());
    if (value) Codec<T>::Put(out, *value);
  }
  static void Get(FieldReader& in, std::optional<T>& value) {
    bool is_there = false;
    Codec<bool>::Get(in, is_there);
    if (is_there) Codec<T>::Get(in, value.emplace());
  }
};

template <typename Tuple>
struct SumOfFields;
template <typename... T>
struct SumOfFields<std::tuple<T&...>> {
  static constexpr size_t kMaxBytes = (size_t{0} + ... + Codec<T>::kMaxBytes);
  static constexpr size_t kMaxDescriptors = (size_t{0} + ... + Codec<T>::kMaxDescriptors);
  static constexpr bool kHasEndpoint = (false || ... || Codec<T>::kHasEndpoint);
  static constexpr bool kHasView = (false || ... || HasView<T>());
};

template <typename T>
auto FieldsOf(T& message) {
  if constexpr (HasFields<T>) {
    return message.Fields();
  } else {
    return std::tie();
  }
}

template <typename T>
requires HasFields<T> || std::is_empty_v<T>
struct Codec<T> {
  using Sum = SumOfFields<decltype(FieldsOf(std::declval<T&>()))>;
  static constexpr size_t kMaxBytes = Sum::kMaxBytes;
  static constexpr size_t kMaxDescriptors = Sum::kMaxDescriptors;
  static constexpr bool kHasEndpoint = Sum::kHasEndpoint;
  static constexpr bool kHasView = Sum::kHasView;

  // Calls `each(field)` in order. Fields() is not const, so that one declaration serves both
  // directions; nothing is written through it here unless `message` is written to.
  template <typename Each>
  FORKSERVER_LAUNCH_PATH static void ForEach(const T& message, Each each) {
    std::apply([&](auto&... field) { (each(field), ...); }, FieldsOf(const_cast<T&>(message)));
  }
  static void Put(FieldWriter& out, const T& message) {
    ForEach(message, [&]<typename F>(const F& field) { Codec<F>::Put(out, field); });
  }
  static void Get(FieldReader& in, T& message) {
    ForEach(message, [&]<typename F>(F& field) { Codec<F>::Get(in, field); });
  }
};

template <typename M>
constexpr size_t MaxEncodedBytes() {
  return Codec<M>::kMaxBytes;
}
template <typename M>
constexpr size_t MaxDescriptors() {
  return Codec<M>::kMaxDescriptors;
}

// A whole message: as Codec, but the faults count its fields.
template <typename M>
void EncodeMessage(FieldWriter& out, const M& message) {
  Codec<M>::ForEach(message, [&]<typename F>(const F& field) {
    out.BeginField();
    if (out.ok()) Codec<F>::Put(out, field);
  });
}
template <typename M>
FORKSERVER_LAUNCH_PATH absl::Status DecodeMessage(FieldReader& in, std::string_view name,
                                                  M& message) {
  Codec<M>::ForEach(message, [&]<typename F>(F& field) {
    if (!in.ok()) return;
    in.BeginField();
    Codec<F>::Get(in, field);
  });
  return in.End(name);
}

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_CODEC_H_
