#!/usr/bin/env bash
# The servers themselves: they build, start and stop, and what they say is read alike from both forms of the API. The
# other tests rest on this.
. "$(dirname "$0")/common.sh"
need_servers

now_ns() { date +%s%N; }
read_both() { # SERVICE SINCE UNTIL, into v1.csv and v3.csv
  local api
  for api in v1 v3; do
    python3 "$interop/traces.py" ask "$jaeger" $api "$@" >$api.json && python3 "$interop/traces.py" list $api.json >$api.csv ||
      fail "$api of $jaeger cannot be read"
  done
}

for version in v1 v2; do
  serve_jaeger_$version
  serve_hotrod
  since=$(now_ns)
  "$servers/ktbench" load -url "$hotrod" -rate 10 -n 20 >load.json || fail "HotROD does not answer"
  python3 "$interop/traces.py" settle "$jaeger" frontend "$since" 20 && ok || fail "traces are missing"
  read_both frontend "$since" "$(now_ns)"
  same v1.csv v3.csv "HotROD into Jaeger $version"
  traces=$(cut -d, -f1 v1.csv | sort -u | wc -l)
  [ "$traces" -eq 20 ] && ok || fail "Jaeger $version has $traces traces of 20 requests"
  for service in frontend customer driver route mysql redis-manual; do
    cut -d, -f7 v1.csv | grep -qx $service && ok || fail "Jaeger $version has no span of $service"
  done
  stop hotrod
  stop jaeger
done

# The front of a server that has only the v3 API.
serve_jaeger_v2
serve_front front "$jaeger" v3-only log=asked
for path in traces services operations services/frontend/operations; do
  code=$(python3 -c 'import sys, urllib.request as u, urllib.error as e
try: print(u.urlopen(sys.argv[1]).status)
except e.HTTPError as got: print(got.code, got.read().decode(), end="")' "$front/api/$path")
  [ "$code" = "404 404 page not found" ] && ok || fail "$front/api/$path: $code"
done
[ "$(grep -c "^/api/" asked)" -ge 5 ] && ok || fail "the front tells too little: $(cat asked)"
finish
