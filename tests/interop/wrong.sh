#!/usr/bin/env bash
# What people get wrong towards a Jaeger that runs: one message that says what it is, exit 1, and no file.
. "$(dirname "$0")/common.sh"
need_servers
serve_jaeger_v2 /jaeger
host=${jaeger%/jaeger}
since=$(date +%s%N)
serve_hotrod
"$servers/ktbench" load -url "$hotrod" -rate 10 -n 5 >load.json || fail "HotROD does not answer"
python3 "$interop/traces.py" settle "$jaeger" frontend "$since" 5 && ok || fail "traces are missing"
until=$(date +%s%N)
range=(--since "$(stamp "$since")" --until "$(stamp "$until")" --settle 0 --out spans.h5)

# refuses CODE WORD... -- OPTIONS...: all words stand in one message
refuses() {
  local code=$1 word words=()
  shift
  while [ "$1" != -- ]; do words+=("$1"); shift; done
  shift
  run "$code" collect "$@"
  [ "$(grep -c . stderr)" -eq 1 ] && ok || fail "kt collect $*: not one message: $(head -c 600 stderr)"
  for word in "${words[@]}"; do has stderr "$word"; done
  [ ! -e spans.h5 ] && ok || { fail "kt collect $* leaves spans.h5"; rm -f spans.h5; }
  rm -f spans.h5.part spans.part
}

# Where the server is
refuses 1 "$host" "base path" -- --jaeger "$host" "${range[@]}"
refuses 1 "$jaeger/jaeger" -- --jaeger "$jaeger/jaeger" "${range[@]}"
hotrod=${hotrod%%\?*}
refuses 1 "$hotrod" 404 -- --jaeger "$hotrod" "${range[@]}"
refuses 1 "http://$otlp" -- --jaeger "http://$otlp" "${range[@]}"
closed=$(python3 "$interop/ports.py" 1)
refuses 1 "127.0.0.1:$closed" "no connection" -- --jaeger "http://127.0.0.1:$closed" "${range[@]}"
refuses 1 no-such-host.invalid resolve -- --jaeger http://no-such-host.invalid:16686 "${range[@]}"
refuses 1 "https" -- --jaeger "https://${jaeger#http://}" "${range[@]}"

# What is asked
refuses 1 fronted frontend -- --jaeger "$jaeger" --service fronted "${range[@]}"
refuses 1 "no trace" -- --jaeger "$jaeger" --since 2001-01-01T00:00:00Z --until 2001-01-01T01:00:00Z --out spans.h5
refuses 2 2100-01-01 future -- --jaeger "$jaeger" --since 2100-01-01T00:00:00Z --out spans.h5
refuses 2 settle 30 -- --jaeger "$jaeger" --since 10s --out spans.h5
refuses 1 /no-such-folder/spans.h5 -- --jaeger "$jaeger" --since 10m --out /no-such-folder/spans.h5
refuses 2 until -- --jaeger "$jaeger" --since 10s --until 20s --out spans.h5
refuses 2 since yesterday -- --jaeger "$jaeger" --since yesterday --out spans.h5

# The same server, asked rightly, and for more than it ever gives in one reply
run 0 collect --jaeger "$jaeger/" "${range[@]}" --limit 200000
finish
