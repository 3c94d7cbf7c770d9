#!/usr/bin/env bash
# A traced application whose times are known, under a campaign of 7 cells: what was asked for is what was traced, and what
# is cleaned is the time that workers were really kept.
. "$(dirname "$0")/common.sh"
need_servers
serve_jaeger_v2
port=($(python3 "$interop/ports.py" --block 100))
cluster=127.0.0.1:$port entry=http://127.0.0.1:$((port + 41))/entry
sed "s/\"base_port\": [0-9]*/\"base_port\": $((port + 1))/" "$interop/bench/live.json" >live.json
sed "s/CLUSTER/$cluster/" "$interop/bench/plan.json" >plan.json
# Sleeping services wake on time, and requests are sent on time, where they may, however busy the machine is.
realtime=
chrt -r 1 true 2>/dev/null && realtime="chrt -r 1"
serve bench "http://$cluster/healthz" $realtime "$servers/ktbench" cluster -config live.json -otlp "$otlp" -listen "$cluster"
since=$(date +%s%N)
timeout 180 $realtime "$kt" load --plan plan.json -u "$entry" --out load >load.log 2>&1 || fail "kt load: $(tail -n 3 load.log)"
stop bench # replicas send their last spans
python3 "$interop/traces.py" settle "$jaeger" entry "$since" 2170 && ok || fail "traces are missing"
until=$(date +%s%N)

python3 "$interop/traces.py" ask "$jaeger" v1 entry "$since" "$until" >reply.json
python3 "$interop/cells.py" load reply.json && ok || fail "the campaign is not what was traced"
run 0 collect --jaeger "$jaeger" --since "$(stamp "$since")" --until "$(stamp "$until")" --settle 0 --out spans.h5
python3 "$interop/traces.py" list reply.json >truth.csv
python3 "$interop/traces.py" list spans.h5 >spans.csv
same truth.csv spans.csv "spans of the test bed"
python3 "$interop/busy.py" "$kt" spans.h5 load/manifest.json reply.json && ok || fail "cleaned times"
finish
