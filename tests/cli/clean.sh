#!/usr/bin/env bash
# kt clean at the command line: recorded replies and a manifest in, a dataset, tables and reports out; bad input.
. "$(dirname "$0")/common.sh"

# Two services, 40 requests in two cells of 20: 10 and 20 a second. a works 3 ms and calls b, 2 ms.
reply() { # FIRST START GAP
  local i
  printf '{"data":['
  for i in $(seq 0 19); do
    local start=$(($2 + i * $3)) id
    id=$(printf '%032x' $(($1 + i)))
    [ "$i" -gt 0 ] && printf ','
    printf '{"traceID":"%s","spans":[' "$id"
    span "$id" 1 "" "$start" $((5000 + i)) server p1; printf ','
    span "$id" 2 1 $((start + 1000)) 2100 client p1; printf ','
    span "$id" 3 2 $((start + 1050)) 2000 server p2
    printf '],"processes":{"p1":{"serviceName":"a","tags":[{"key":"k8s.pod.name","type":"string","value":"a-1"}]},'
    printf '"p2":{"serviceName":"b","tags":[{"key":"k8s.pod.name","type":"string","value":"b-1"}]}}}'
  done
  printf ']}'
}
span() { # TRACE ID PARENT START DURATION KIND PROCESS
  local parent='[]'
  [ -n "$3" ] && parent="[{\"refType\":\"CHILD_OF\",\"traceID\":\"$1\",\"spanID\":\"$3\"}]"
  printf '{"traceID":"%s","spanID":"%s","operationName":"op","references":%s,"startTime":%s,"duration":%s,' \
    "$1" "$2" "$parent" "$4" "$5"
  printf '"tags":[{"key":"span.kind","type":"string","value":"%s"}],"processID":"%s"}' "$6" "$7"
}

mkdir traces
reply 1 1000000000 100000 >traces/one.json
reply 101 1010000000 50000 >traces/two.json
cat >traces/manifest.json <<'END'
{"entry": "a", "cells": [
  {"cell": 0, "start_us": 1000000000, "end_us": 1002000000, "rps_asked": 10, "rps_achieved": 9.9, "n": 20, "errors": 0, "rep": {"*": 1}},
  {"cell": 1, "start_us": 1010000000, "end_us": 1011000000, "rps_asked": 20, "rps_achieved": 20.5, "n": 20, "errors": 0, "rep": {"*": 1}}]}
END

run 0 clean traces --out d.h5 --csv d.csv --rows r.csv
has stdout "80 rows of 40 requests at a; rps_eff by cell"
has stdout "rps=10 rep=1"
has stdout "120  read"
lacks stderr "drift"
run 0 info d.h5 --cells
has stdout "rps=20 rep=1"
run 0 import d.csv --out e.h5 # the cleaned form reads back to the same rows
digests() { h5dump -d /services "$1" | grep -oE '"[0-9a-f]{64}'; }
[ "$(digests d.h5)" = "$(digests e.h5)" ] && [ -n "$(digests d.h5)" ] && ok || fail "digests of d.h5 and e.h5 differ"
counts r.csv 80 ",row"
counts d.csv 41 ","
head -n 1 d.csv >stdout
has stdout "cell,rps_a,rps_eff_a,rep_a,proc_time_a,rps_b,rps_eff_b,rep_b,proc_time_b,delay_b"
sed -n 2p d.csv >stdout
has stdout "0,10,9.9,1,2.9,10,9.9,1,2,0.1"

run 0 clean traces --json -q
python3 - stdout <<'END' && ok || fail "the report is not what was read"
import json, sys
report = json.load(open(sys.argv[1]))
assert sum(line["spans"] for line in report["account"]) == report["spans"] == 120
assert [s["service"] for s in report["services"]] == ["a", "b"]
assert all(s["queue"]["rule"] == "fifo" and s["rows"] == 40 for s in report["services"])
assert [c["rps"] for c in report["cells"]] == [9.9, 20.5]
END

run 0 clean traces --out once.h5 -q; run 0 clean traces/two.json traces/one.json --manifest traces/manifest.json --out twice.h5 -q
cmp -s once.h5 twice.h5 && ok || fail "the order of files matters"
run 2 clean traces; has stderr "--out FILE.h5 is missing"
run 2 clean traces --out x.h5 --queue fofi; has stderr "auto|fifo|none"
run 2 clean traces --out x.h5 --workers c=2; has stderr "no service is called 'c'"
run 2 clean traces --out x.h5 --entry c; has stderr "the entry 'c' sends no spans"
run 2 clean traces --out x.h5 --rps-eff rows:1; has stderr "rows:N"
run 1 clean nowhere --out x.h5; has stderr "nowhere"
run 1 clean traces --out nowhere/x.h5; has stderr "nowhere"
sed 's/"start_us": 10/"start_us": 11/g; s/"end_us": 10/"end_us": 11/g' traces/manifest.json >late.json
run 1 clean traces/one.json --manifest late.json --out x.h5; has stderr "none of the 20 requests starts in one of the 2 cells"
[ -e x.h5 ] && fail "x.h5 was written" || ok
run 0 clean --help; has stdout "--keep-overload"
finish
