#!/usr/bin/env bash
# kt info of a file of spans: counts, certificate, manifest.
. "$(dirname "$0")/common.sh"

span() { # ID START_US KIND PROCESS MORE
  printf '{"traceID":"%s","spanID":"%s","startTime":%s,"duration":1500000,"processID":"%s","tags":[{"key":"span.kind","value":"%s"}%s' \
    "$1" "$2" "$3" "$5" "$4" "$6"
  printf '],"references":[%s]}' "$7"
}
parent() { printf '{"refType":"CHILD_OF","traceID":"%s","spanID":"%s"}' "$1" "$2"; }
{
  printf '{"data":[{"traceID":"a","spans":['
  span a 1 1795470320500000 server p1 ',{"key":"error","value":true}' ''; printf ','
  span a 2 1795470321500000 client p1 '' "$(parent a 1)"; printf ','
  span a 3 1795470322500000 server p2 '' "$(parent a 2)"
  printf ']},{"traceID":"b","spans":['
  span b 1 1795470330500000 server p3 '' ''
  printf ']}]}'
} | sed 's/\]},{"traceID":"b"/],PROCESSES},{"traceID":"b"/; s/\]}\]}$/],PROCESSES}]}/' |
  sed 's/PROCESSES/"processes":{"p1":{"serviceName":"web","tags":[{"key":"k8s.pod.name","value":"web-1"}]},"p2":{"serviceName":"cart"},"p3":{"serviceName":"web","tags":[{"key":"k8s.pod.name","value":"web-2"}]}}/g' >reply.json
{
  printf '{"verdict":"unknown","reason":"a ring at its limit","until":1795470340,"windows":[{"asked":"w0","limit":100,"splits":null}'
  for i in $(seq 24); do printf ',{"asked":"w%d","limit":100,"splits":%d}' "$i" "$i"; done
  printf ']}'
} >certificate.json
printf '{"entry":"web","cells":[{"start_us":1795470320000000,"end_us":1795470325500000,"rps_asked":5,"rep":{"web":2}}]}' >manifest.json

"$KT_MAKE_SPANS" spans.h5 reply.json certificate.json manifest.json || fail "no spans.h5 could be made"
run 0 info spans.h5
has stdout "kt-spans: 4 spans in 2 traces"
has stdout "from 2026-11-23 21:45:20.500 to 2026-11-23 21:45:32.000 UTC, 11.5 s"
tr -s ' ' <stdout >squeezed
has squeezed "cart 1 0 1 0 0 0 0 0 unknown" # internal, server, client, producer, consumer, roots, failed, pods
has squeezed "web 3 0 2 1 0 0 2 1 2"
has stdout "certificate: unknown: a ring at its limit"
has stdout "until: 1795470340"
has squeezed "w0 100 -"
has squeezed "w19 100 19"
lacks squeezed "w20 100 20"
has stdout "... and 5 more (--cells)"
has stdout "manifest: 1 load cells, entry web"
has squeezed " 0 2026-11-23 21:45:20.000 5.5 5.00 - - - web=2"
run 0 info spans.h5 --cells
has stdout "w24"
lacks stdout "more (--cells)"

run 0 info spans.h5 --json
json() { python3 -c "import json; d = json.load(open('stdout')); print($1)"; }
same() { if [ "$1" = "$2" ]; then ok; else fail "'$1' is not '$2'"; fi; }
same "$(json "d['spans'], d['traces'], d['schema'], d['start_ns']")" "4 2 kt-spans 1795470320500000000"
same "$(json "d['certificate'] == json.load(open('certificate.json')), d['manifest'] == json.load(open('manifest.json'))")" "True True"
same "$(json "[(s['service'], s['server'], s['client'], s['roots'], s['failed'], s['pods'], s['processes']) for s in d['services']]")" \
  "[('cart', 1, 0, 0, 0, 0, 1), ('web', 2, 1, 2, 1, 2, 2)]"

"$KT_MAKE_SPANS" bare.h5 reply.json || fail "no bare.h5 could be made"
run 0 info bare.h5
has stdout "certificate: none"
lacks stdout "manifest"
printf '{"data":[]}' >none.json
"$KT_MAKE_SPANS" empty.h5 none.json || fail "no empty.h5 could be made"
run 0 info empty.h5
has stdout "kt-spans: 0 spans in 0 traces"
head -c 3000 spans.h5 >cut.h5
run 1 info cut.h5
has stderr "cut.h5"
finish
