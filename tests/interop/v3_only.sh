#!/usr/bin/env bash
# A server that has only the v3 API: kt collect finds out by itself, and says what is wrong where it is told otherwise.
. "$(dirname "$0")/common.sh"
need_servers
serve_jaeger_v2
serve_hotrod
since=$(date +%s%N)
run 0 load -r 10 -n 20 -u "$hotrod" --out load
python3 "$interop/traces.py" settle "$jaeger" frontend "$since" 20 && ok || fail "traces are missing"
until=$(date +%s%N)
python3 "$interop/traces.py" ask "$jaeger" v1 frontend "$since" "$until" >reply.json
python3 "$interop/traces.py" list reply.json >truth.csv

serve_front front "$jaeger" v3-only log=asked
range=(--jaeger "$front" --since "$(stamp "$since")" --until "$(stamp "$until")" --settle 0)
run 0 collect "${range[@]}" --out spans.h5
python3 "$interop/traces.py" list spans.h5 >spans.csv
same truth.csv spans.csv "through a server without the v1 API"
grep -qE '^/api/(traces|services|operations)[?/]?' asked && fail "the v1 API was asked: $(head -n 3 asked)" || ok

run 1 collect "${range[@]}" --api v1 --out v1.h5
counts stderr 1 "$front"
[ ! -e v1.h5 ] && ok || fail "a file in spite of failure"
finish
