#!/usr/bin/env bash
# A pull that is killed ten times, and stopped once, ends with the bytes of one that was left alone; one that lacks a root
# says so.
. "$(dirname "$0")/common.sh"
need_servers
serve_jaeger_v2
serve_hotrod
requests=150
since=$(date +%s%N)
run 0 load -r 40 -n $requests -u "$hotrod" --out load
python3 "$interop/traces.py" settle "$jaeger" frontend "$since" $requests && ok || fail "traces are missing"
until=$(date +%s%N)
pull="collect --jaeger $jaeger --since $(stamp "$since") --until $(stamp "$until") --settle 0 --limit 4 --quiet"

run 0 $pull --out whole.h5
has stdout "certificate: complete"
RANDOM=20261
kills=0
for ((i = 0; i < 10; i++)); do
  timeout -s KILL "0.0$((RANDOM % 5 + 5))" "$kt" $pull --out killed.h5 >/dev/null 2>&1
  [ -e killed.h5 ] && break
  kills=$((kills + 1))
done
[ $kills -ge 5 ] && ok || fail "only $kills kills hit a pull"
before=$(stat -c %s killed.h5.part)
"$kt" $pull --out killed.h5 >/dev/null 2>stderr &
sleep 0.1
kill -TERM $!
wait $!
[ $? -eq 75 ] && ok || fail "a pull that was told to stop: $(cat stderr)"
[ "$(stat -c %s killed.h5.part)" -ge "$before" ] && ok || fail "what was collected is lost"

run 1 $pull --out killed.h5 --service route
has stderr "--fresh"
run 0 $pull --out killed.h5
same whole.h5 killed.h5 "killed $kills times"
[ -e killed.h5.part ] && fail "killed.h5.part is left" || ok

# A caller's span whose own parent never came.
python3 - "$otlp" <<'PYTHON' && ok || fail "the span was not taken"
import json, sys, time, urllib.request
now = time.time_ns()
span = {"traceId": "5" * 32, "spanId": "6" * 16, "parentSpanId": "7" * 16, "name": "GET /", "kind": 3,
        "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000000)}
resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "orphan"}}]}
body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}).encode()
request = urllib.request.Request("http://%s/v1/traces" % sys.argv[1], body, {"Content-Type": "application/json"})
assert urllib.request.urlopen(request).status == 200
PYTHON
sleep 2
run 3 collect --jaeger "$jaeger" --since 1m --settle 0 --service orphan --quiet --out orphan.h5
has stderr "orphan.h5 is incomplete"
has stdout "1 traces asked for again"
run 0 info orphan.h5
has stdout "incomplete"
finish
