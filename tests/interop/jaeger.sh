#!/usr/bin/env bash
# jaeger.sh v1|v2: HotROD under kt load; every request is a trace that the server has.
. "$(dirname "$0")/common.sh"
need_servers
serve_jaeger_$1
serve_hotrod
requests=120
since=$(date +%s%N)
run 0 load -r 12 -n $requests -u "$hotrod" --out load
python3 "$interop/traces.py" settle "$jaeger" frontend "$since" $requests && ok || fail "traces are missing"
until=$(date +%s%N)

# What the server has, read without kt.
for api in v1 v3; do
  python3 "$interop/traces.py" ask "$jaeger" $api frontend "$since" "$until" >$api.json
  python3 "$interop/traces.py" list $api.json >$api.csv
done
same v1.csv v3.csv "both forms of the API"
cut -d, -f1 v1.csv | sort -u >traces
[ "$(wc -l <traces)" -eq $requests ] && ok || fail "$(wc -l <traces) traces of $requests requests"

# Every request is found by its trace id.
python3 - load/requests.csv traces <<'PYTHON' && ok || fail "requests are not what was traced"
import csv, sys
with open(sys.argv[1], newline="") as file:
    sent = [row["trace_id"] for row in csv.DictReader(file)]
with open(sys.argv[2]) as file:
    assert len(sent) == len(set(sent)) and set(sent) == set(file.read().split()), sent[:3]
PYTHON

finish
