#!/usr/bin/env bash
# kt load as a user types it: one load, a campaign, signals and kills, secrets, bad input. KT_LOAD_SERVER answers.
. "$(dirname "$0")/common.sh"

mkfifo server_lives
"$KT_LOAD_SERVER" log <server_lives >port & # ends with the fifo's writer: this script
server=$!
exec 9>server_lives
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
at=http://127.0.0.1:$(cat port)

column() { cut -d, -f"$2" "$1"; }
# rounded(FILE): due times relative to the first one, and trace ids
rounded() { awk -F, 'NR == 2 {split($7, a, "."); s = a[1]; f = a[2]}
  NR > 1 {split($7, b, "."); printf "%.0f %s\n", (b[1] - s) * 1e9 + b[2] - f, $6}' "$1"; }

# ---- one load ----
run 0 load -u "$at/ok" -r 200 -n 100 -d 2 -s 3 -m 50 --seed 7 --out one
has stdout "100 req/s asked"
has stdout "rep 3"
has stdout "100 requests, 0 errors"
same <(ls one) <(printf '%s\n' campaign.json manifest.json requests.csv summary.json) "the folder's files"
same <(head -n 1 one/requests.csv) <(echo st,ttr,rid,status,error,trace_id,due,cell,phase) "the columns"
same <(column one/requests.csv 3 | tail -n +2) <(seq 100) "the numbers"
same <(column one/requests.csv 4 | tail -n +2 | sort -u) <(echo 200) "the statuses"
has one/manifest.json '"*": 3'
has one/summary.json '"rps_asked": 100.0'
if awk -F, 'NR > 1 && ($2 <= 0 || $2 > 5 || $1 < $7) {exit 1}' one/requests.csv; then ok; else fail "times"; fi
run 0 load --uri "$at/ok" --rps 200 --nreq 100 --sd 2 --srep 3 --max-thread 50 --seed 7 --out one
has stdout "finished before"
run 0 load -u "$at/ok" -r 200 -n 100 -d 2 -s 3 -m 50 --seed 7 --out again
same <(rounded one/requests.csv) <(rounded again/requests.csv) "the same seed"
run 0 load -u "$at/ok" -r 200 -n 100 -d 2 -s 3 -m 50 --seed 8 --out other
if cmp -s <(rounded one/requests.csv) <(rounded other/requests.csv); then fail "another seed, same load"; else ok; fi
run 1 load -u "$at/ok" -r 200 -n 100 -d 2 -s 3 -m 50 --seed 8 --out one
has stderr "seed was 7, now it is 8"
run 0 load -u "$at/ok" -r 100 -n 20 # no seed: each load draws its own
has stdout "rep 1"
has results/load-100/manifest.json '"*": 1'
cp results/load-100/requests.csv first.csv
run 0 load -u "$at/ok" -r 100 -n 20 --fresh --json
has stdout '"cells_done": 1'
same <(column first.csv 6 | sort - <(column results/load-100/requests.csv 6) | uniq -d) <(echo trace_id) "trace ids of two loads"
run 0 load -u "$at/ok" -r 300 --seconds 1 -s cart=2 -s entry=1 -s 4 --warmup 0.3 --cooldown 0.2 -q --out parts
[ -s stdout ] && fail "-q: $(cat stdout)" || ok
same <(column parts/requests.csv 9 | tail -n +2 | uniq) <(printf '%s\n' warmup measured cooldown) "the phases"
has parts/manifest.json '"cart": 2'
has parts/manifest.json '"*": 4'
run 0 load -u "$at/sleep/50" -r 100 -n 30 -m 1 --arrivals constant --out stalled
has stderr "29 of 30 requests waited"
has stderr "achieved"
if [ "$(tail -n 1 stalled/requests.csv | column /dev/stdin 2 | cut -d. -f1)" -ge 1 ]; then ok; else fail "latency from due"; fi
run 0 load -u "$at/status/503" -r 200 -n 10 --method GET --out errors
has stdout "10 errors (http-5xx 10)"
run 0 load -u "$at/ok" -r 200 -n 5 --body @one/summary.json --header 'Content-Type: text/plain' --out body

# ---- secrets: a password in the URL, headers from a file ----
echo 'X-Token: s3cret' >headers
run 0 load -u "${at/\/\///\/me:pa55@}/ok" -r 200 -n 5 --header @headers --out secret
cat stdout stderr secret/* >said
lacks said pa55; lacks said s3cret; has said X-Token
run 2 load -u "http://me:pa55@[::1" -r 200 -n 5 --out secret2
lacks stderr pa55
run 1 load -u "http://me:pa55@127.0.0.1:1/x" -r 200 -n 500 --give-up 0.2 --out secret3
lacks stderr pa55; has stderr "no answer within 0.2 s"

# ---- nothing was answered: a failure, and the files say what was tried ----
run 1 load -u http://127.0.0.1:1/x -r 200 -n 5 --out silent
has stderr "none of its 5 requests was answered"
same <(column silent/requests.csv 5 | tail -n +2 | sort -u) <(echo refused) "errors of what nobody answered"

# ---- signals ----
"$kt" load -u "$at/sleep/300" -r 50 -n 10000 --out ended >stdout 2>stderr & load=$!
sleep 1.2; kill -INT $load; wait $load; code=$?
[ $code -eq 75 ] && ok || fail "SIGINT: exit $code: $(cat stderr)"
has stderr "stopped in cell 0"
has ended/manifest.json '"incomplete": "stopped"'
n=$(tail -n +2 ended/requests.csv | wc -l)
[ "$n" -ge 10 ] && [ "$n" -le 200 ] && ok || fail "SIGINT: $n requests"
same <(column ended/requests.csv 4 | tail -n +2 | sort -u) <(echo 200) "replies after SIGINT"
"$kt" load -u "$at/hang" -r 50 -n 10000 --out twice >stdout 2>stderr & load=$!
sleep 1; kill -TERM $load; sleep 0.4; kill -0 $load 2>/dev/null && ok || fail "one SIGTERM did not wait for replies"
kill -TERM $load; wait $load; code=$?
[ $code -eq 75 ] && ok || fail "SIGTERM twice: exit $code: $(cat stderr)"
same <(column twice/requests.csv 5 | tail -n +2 | sort -u) <(echo dropped) "requests that were dropped"

# ---- campaigns ----
cat >plan.json <<PLAN
{"uri": "$at/ok", "seed": 3, "requests": 60, "shuffle": true, "repeats": 2, "entry": "front",
 "cells": [{"rps": [150, 200], "rep": {"cart": [1, 2]}}, {"rps": 300, "rep": {"cart": 3}, "seconds": 0.3}],
 "hook": [["/bin/sh", "-c", "echo \$0 \$1 >>hooks", "{service}", "{rep}"]]}
PLAN
run 0 load --plan plan.json --dry-run
has stdout "10 cells, about 3 s and the time of the hooks"
[ -e results ] && [ -e results/plan ] && fail "--dry-run wrote" || ok
run 0 load --plan plan.json --dry-run --json
has stdout '"total_seconds"'
for _ in 1 2 3; do # killed three times, somewhere
  "$kt" load --plan plan.json >stdout 2>stderr & load=$!
  sleep 0.9; kill -KILL $load; wait $load 2>/dev/null
done
echo half >results/plan/cells/.000004.csv.1.0.tmp # as a kill in the midst of a write leaves it
run 0 load --plan plan.json
has stdout "10 of 10 cells"
same <(grep -o '"cell": [0-9]*' results/plan/manifest.json | sort) <(seq 0 9 | sed 's/^/"cell": /') "each cell once"
same <(column results/plan/requests.csv 6 | sort | uniq -d) /dev/null "trace ids once"
for cell in $(seq 0 9); do
  n=$(awk -F, -v c="$cell" '$8 == c' results/plan/requests.csv | wc -l)
  [ "$n" -ge 30 ] && ok || fail "cell $cell: $n requests"
done
has results/plan/manifest.json '"entry": "front"'
[ -e results/plan/cells ] && fail "parts are left" || ok
mkdir results/plan/cells # a kill before they were removed
touch results/plan/cells/000003.csv
run 0 load --plan plan.json
has stdout "finished before"
[ -e results/plan/cells ] && fail "parts are left by a finished campaign" || ok
if grep -qx "cart [123]" hooks; then ok; else fail "hooks: $(cat hooks)"; fi
run 1 load --plan plan.json --repeats 3
has stderr "repeats was 2, now it is 3"
run 1 load --plan plan.json -u "$at/other"
has stderr "uri was"

# ---- bad input ----
run 2 load;                               has stderr "-u is missing"
run 2 load -u "$at/ok";                   has stderr "-r is missing"
run 2 load -u "$at/ok" -r 5;              has stderr "neither -n nor --seconds"
run 2 load -u "$at/ok" -r 5 -n 5 --seconds 5; has stderr "both"
run 2 load -u "$at/ok" -r 0 -n 5;         has stderr "range"
run 2 load -u "$at/ok" -r 5 -n 5 -s two;  has stderr "-s two"
run 2 load -u ftp://host/ -r 5 -n 5;      has stderr "ftp"
run 2 load --url "$at/ok" -r 5 -n 5;      has stderr "--uri"
run 2 load --plan plan.json -r 5;         has stderr "--plan has the cells"
run 1 load --plan missing.json;           has stderr missing.json
sed 's/"cells"/"cels"/' plan.json >typo.json
run 2 load --plan typo.json;              has stderr "did you mean cells"
[ -e results/typo ] && fail "a bad plan made a folder" || ok
run 1 load -u "$at/ok" -r 200 -n 5 --out /proc/none; has stderr /proc/none

# ---- what the server saw ----
kill $server; wait $server 2>/dev/null
for folder in one secret body; do
  while IFS=, read -r id; do grep -qF "00-$id-" log || { fail "$folder: $id not seen"; break; }; done \
    < <(column $folder/requests.csv 6 | tail -n +2)
done
same <(grep -cF "$(printf 'me:pa55' | base64)" log) <(echo 5) "requests with the password"
same <(awk -F, '$2 == "GET"' log | wc -l) <(echo 10) "--method"
same <(awk -F, -v n="$(stat -c %s one/summary.json)" '$4 == n' log | wc -l) <(echo 5) "--body @FILE"
finish
