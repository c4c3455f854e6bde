#!/usr/bin/env bash
# While the engine runs, the tables through which code calls another object may be out of their
# place. So its object files must not refer to anything but to each other's hidden symbols, which
# the linker calls directly: compilers add calls of their own (memcpy, __stack_chk_fail, counters of
# coverage).
set -euo pipefail
for archive in "$@"; do
  case "$archive" in
    *.a) ;;
    *) continue ;;
  esac
  hidden=$(readelf -sW "$archive" | awk '$6 == "HIDDEN" && $7 != "UND" { print $8 }' | sort -u)
  undefined=$(nm --undefined-only "$archive" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u)
  foreign=$(comm -13 <(echo "$hidden") <(echo "$undefined"))
  foreign=$(grep -v '^_GLOBAL_OFFSET_TABLE_$' <<<"$foreign" || true)
  if [ -n "$foreign" ]; then
    echo "the freeze's engine refers to:"
    c++filt <<<"$foreign"
    exit 1
  fi
done
nm --defined-only "$1" | grep RunFreeze >/dev/null || { echo "not the engine: $*"; exit 1; }
