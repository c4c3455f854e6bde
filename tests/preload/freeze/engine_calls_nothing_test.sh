#!/usr/bin/env bash
# While the engine runs, the tables through which code calls another object may be out of their
# place. So its object file must not refer to anything: compilers add calls of their own
# (memcpy, __stack_chk_fail, counters of coverage).
set -euo pipefail
undefined=$(for object in "$@"; do
  case "$object" in
    *.a | *.o) nm --undefined-only "$object" 2>/dev/null | grep ' U ' || true ;;
  esac
done)
undefined=$(grep -v '_GLOBAL_OFFSET_TABLE_' <<<"$undefined" || true)
if [ -n "$undefined" ]; then
  echo "the freeze's engine refers to:"
  echo "$undefined"
  exit 1
fi
nm --defined-only "$1" | grep -q RunFreeze || { echo "not the engine: $*"; exit 1; }
