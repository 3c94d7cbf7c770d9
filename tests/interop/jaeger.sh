#!/usr/bin/env bash
# jaeger.sh v1|v2: HotROD under kt load, collected by both forms of the API, in one piece and in many: always the spans
# that the server has, with every request among them.
. "$(dirname "$0")/common.sh"
need_servers
serve_jaeger_$1
serve_hotrod
requests=120
since=$(date +%s%N)
run 0 load -r 12 -n $requests -u "$hotrod" --out load
python3 "$interop/traces.py" settle "$jaeger" frontend "$since" $requests && ok || fail "traces are missing"
until=$(date +%s%N)

range=(--jaeger "$jaeger" --since "$(stamp "$since")" --until "$(stamp "$until")" --settle 0)

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

# collected NAME API HALVED OPTIONS...: the same spans, and a certificate that says so
collected() {
  local name=$1 api=$2 halved=$3
  shift 3
  run 0 collect "${range[@]}" "$@" --out "$name.h5"
  python3 "$interop/traces.py" list "$name.h5" >"$name.csv"
  same v1.csv "$name.csv" "kt collect $*"
  run 0 info "$name.h5" --json
  python3 - $api $halved $requests "$(wc -l <v1.csv)" <<'PYTHON' && ok || fail "certificate of kt collect $*: $(head -c 2000 stdout)"
import json, sys
api, halved, traces, spans = sys.argv[1:]
with open("stdout") as file:
    told = json.load(file)
certificate = told["certificate"]
assert (told["traces"], told["spans"]) == (int(traces), int(spans)), (told["traces"], told["spans"])
assert (certificate["verdict"], certificate["api"]) == ("complete", api), certificate
assert (certificate["halved"] > 0) == (halved == "halved"), certificate
PYTHON
}
collected probed v3 whole
collected v1-one v1 whole --api v1
collected v3-one v3 whole --api v3
collected v1-many v1 halved --api v1 --limit 20
collected v3-many v3 halved --api v3 --limit 20
collected frontend v3 whole --service frontend
finish
