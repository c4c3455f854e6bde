// A set of process types: who may connect to whom, who may use a component.
//
//     constexpr ProcessTypeSet kMayDecode = {ProcessType::kContent, ProcessType::kDataDecoder};
//     kMayDecode.contains(ProcessType::kGpu)                     // false
//     for (const ProcessType type : kMayDecode) ...              // in the order of the numbers
//     ProcessTypeNames(kMayDecode)                               // process_types.h
//
// A plain value, 32 bits: usable in constants, anywhere and also between fork and Ready. Bit N is
// the type of number N. A number from the wire that is no type is in no set.
#ifndef CHILD_PROCESS_TYPE_SET_H_
#define CHILD_PROCESS_TYPE_SET_H_

#include <stddef.h>
#include <stdint.h>

#include <bit>
#include <initializer_list>

#include "child/process_type.h"

namespace forkserver {

class ProcessTypeSet {
 public:
  class Iterator {
   public:
    explicit constexpr Iterator(uint32_t bits) : bits_(bits) {}
    constexpr ProcessType operator*() const {
      return static_cast<ProcessType>(std::countr_zero(bits_));
    }
    constexpr Iterator& operator++() {
      bits_ &= bits_ - 1;
      return *this;
    }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    uint32_t bits_;
  };

  constexpr ProcessTypeSet() = default;
  constexpr ProcessTypeSet(std::initializer_list<ProcessType> types) {
    for (const ProcessType type : types) bits_ |= BitOf(type);
  }
  static constexpr ProcessTypeSet All() {
    ProcessTypeSet all;
    all.bits_ = (uint32_t{1} << kProcessTypeCount) - 1;
    return all;
  }

  constexpr bool contains(ProcessType type) const { return (bits_ & BitOf(type)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr size_t size() const { return static_cast<size_t>(std::popcount(bits_)); }
  constexpr uint32_t bits() const { return bits_; }

  constexpr ProcessTypeSet operator|(ProcessTypeSet other) const {
    other.bits_ |= bits_;
    return other;
  }
  constexpr ProcessTypeSet operator&(ProcessTypeSet other) const {
    other.bits_ &= bits_;
    return other;
  }
  // Without those of `other`.
  constexpr ProcessTypeSet operator-(ProcessTypeSet other) const {
    other.bits_ = bits_ & ~other.bits_;
    return other;
  }
  constexpr bool operator==(const ProcessTypeSet&) const = default;

  constexpr Iterator begin() const { return Iterator(bits_); }
  constexpr Iterator end() const { return Iterator(0); }

 private:
  static constexpr uint32_t BitOf(ProcessType type) {
    const auto number = static_cast<uint32_t>(type);
    return number < kProcessTypeCount ? uint32_t{1} << number : 0;
  }

  uint32_t bits_ = 0;
};

static_assert(kProcessTypeCount < 32, "a set has a bit for each type");

}  // namespace forkserver

#endif  // CHILD_PROCESS_TYPE_SET_H_
