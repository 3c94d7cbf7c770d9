#!/usr/bin/env bash
# kt plan: schedules from costs that were measured, by hand, from a run's journal, and on this machine.
. "$(dirname "$0")/common.sh"

table all.csv 900 4
cut -d, -f 1-4,7 all.csv >data.csv
"$kt" import all.csv --out four.h5 -q || fail "kt import"
number() { sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p" stdout | head -n 1; }
near() { # NAME EXPECTED: within a thousandth
  awk -v a="$(number "$1")" -v b="$2" 'BEGIN {exit !(a != "" && (a - b) * (a - b) <= 1e-6 * b * b)}' && ok || fail "$1 is $(number "$1"), not $2"
}

# costs by hand: batch 128, 2,250 steps of 1 ms: four services of 2.25 s
cat >hand.json <<'JSON'
{"schema": "kt-costs", "version": 1, "latency_seconds": 0, "batches": [{"batch": 128, "step_seconds": 0.001,
  "fixed_seconds": 0, "start_seconds": 0, "row_seconds": 0, "judge_cell_seconds": 0, "judge_row_seconds": 0}]}
JSON
run 0 plan four.h5 --ranks 3 --costs hand.json --parallel service --json
near makespan_seconds 4.5
near one_rank_seconds 9
near least_seconds 3
near efficiency 0.66667
run 0 plan four.h5 --ranks 4 --costs hand.json --json
near makespan_seconds 2.25
run 0 plan four.h5 --ranks 8 --costs hand.json --json --services # one by one, and each is joined by a free rank
near least_seconds 1.125
[ "$(grep -c '"service": "s' stdout)" -eq 4 ] && [ "$(number joined)" -eq 4 ] && ok || fail "$(cat stdout)"
run 0 plan four.h5 --ranks 3 --costs hand.json
has stdout "4 services on 3 ranks"
has stdout "s3"
run 0 plan four.h5 --costs hand.json --recipe fast --json # 750 steps
near makespan_seconds 3

# a run that is finished: its own times
"$kt_train" data.csv --out one --steps 300 --quiet >/dev/null || fail "kt-train"
[ "$(grep -c '"event":"fitted".*"fit_seconds":.*"judge_seconds":' one/journal.jsonl)" -eq 2 ] && ok || fail "$(cat one/journal.jsonl)"
times() { # FIT JUDGE FIT JUDGE [GROUP]: what the journal says of its two services, whatever they took
  local s group=${5:-1}
  for s in 0 1; do
    echo "{\"event\":\"fitted\",\"service\":\"s$s\",\"group\":$group,\"from_step\":${from:-0},\"steps\":300,\"batch\":128,\"fit_seconds\":$1,\"judge_seconds\":$2}"
    shift 2
  done >one/journal.jsonl
}
times 2 0.25 3 0.5
run 0 plan one --ranks 1 --json
near makespan_seconds 5.75
near measured_services 2
from=150 times 2 0.25 3 0.5 # half of the steps: twice that for all, but what judging takes
run 0 plan one --ranks 1 --json
near makespan_seconds 10.75
from=200 times 2 0.25 3 0.5 # too few to tell
run 2 plan one --ranks 1 --json
times 1.5 0.5 1.5 0.5 2 # by teams of two: twice that, but for 300 exchanges of 5 us
run 0 plan one --ranks 1 --json
near one_rank_seconds 7.994

# measured here
run 0 plan one --ranks 2 --calibrate --json
has one/costs.json '"batch": 128'
has stdout "measured on this machine"
run 0 plan one --ranks 2 --json
has stdout "one/costs.json, and the run"
run 0 plan four.h5 --ranks 2 --calibrate --costs measured.json
[ -s measured.json ] && ok || fail "no costs were written"
run 0 plan four.h5 --ranks 2 --costs measured.json

run 2 plan four.h5 --ranks 2
has stderr "--calibrate"
run 1 plan nowhere
has stderr nowhere
mkdir empty
run 1 plan empty
has stderr "empty: holds no dataset.h5"
run 1 plan four.h5 --costs data.csv
has stderr data.csv
run 2 plan four.h5 --ranks 0
run 2 plan
finish
