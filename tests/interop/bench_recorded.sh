#!/usr/bin/env bash
# The times of 26 recorded cells of the test bed (bench/bench.json), closer than live ones can be on a busy machine.
. "$(dirname "$0")/common.sh"
need_python
recorded=${KT_FIXTURES:-}/bench-traces
[ -e "$recorded/manifest.json" ] || { echo "skipped: KT_FIXTURES has no bench-traces"; exit 77; }
python3 "$interop/busy.py" "$kt" "$recorded/v1" "$recorded/manifest.json" "$recorded"/v1/*.json.gz --p95 0.3 &&
  ok || fail "cleaned times"
finish
