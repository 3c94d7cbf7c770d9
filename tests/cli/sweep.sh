#!/usr/bin/env bash
# kt sweep: of a ledger that ended, one that is cut short, one of several searches, and what is wrong.
. "$(dirname "$0")/common.sh"
make_sweep=${KT_MAKE_SWEEP:?}

"$make_sweep" run 40 || fail "make_sweep"
run 0 sweep run
has stdout "sweep:  random, scheduler hyperband, objective nll"
has stdout "trials: 40 of 40 proposed"
has stdout "; ended"
has stdout "clip" # a column for each option that varies
lacks stdout activation
counts stdout 1 "done, won"
[ "$(grep -cE '^ +[0-9]+ +[0-9]+ ' stdout)" -eq 10 ] && ok || fail "not 10 trials: $(cat stdout)"
run 0 sweep run --top 3
[ "$(grep -cE '^ +[0-9]+ +[0-9]+ ' stdout)" -eq 3 ] && ok || fail "not 3 trials: $(cat stdout)"

# as CSV and JSON: every trial, the same numbers, the best of them the winner
run 0 sweep run --csv
cp stdout trials.csv
run 0 sweep run --json
cp stdout sweep.json
python3 - <<'PY' && ok || fail "CSV and JSON disagree"
import csv, json
rows = list(csv.DictReader(open("trials.csv")))
view = json.load(open("sweep.json"))
trials = view["searches"][0]["trials"]
events = [json.loads(line) for line in open("run/sweep.jsonl")]
assert len(rows) == len(trials) == 40
for row, trial in zip(rows, trials):
    assert int(row["trial"]) == trial["trial"] and row["state"] == trial["state"]
    assert (float(row["value"]) if row["value"] else None) == trial["value"]
    options = trial["options"]
    assert row["hidden"] == ",".join(map(str, options["hidden"]))
    assert float(row["learning-rate"]) == options["learning-rate"]
    assert row["clip"] == "" if options["recipe"] == "fast" else float(row["clip"]) == options["clip"]
    scored = [e for e in events if e["event"] == "scored" and e["trial"] == trial["trial"]]
    assert abs(sum(e["seconds"] for e in scored) - trial["seconds"]) < 1e-9
won = [e for e in events if e["event"] == "won"]
assert view["searches"][0]["best_trial"] == won[0]["trial"] and view["searches"][0]["best_value"] == won[0]["value"]
assert sum(view["states"].values()) == 40 and view["ended"] and view["seconds_to_go"] == 0
for r, rung in enumerate(view["rungs"]):
    assert rung["reached"] == sum(e["event"] == "rung" and e["rung"] == r for e in events)
    assert rung["failed"] == sum(e["event"] == "failed" and e["rung"] == r for e in events)
spent = view["budget_spent"]
assert view["budget_left"] == 0 and 0 < spent < 40
assert 0.8 < view["utilisation"] <= 1 # 0.18 s of two ranks' 0.2 s
PY

# cut in its middle, with half a line at its end
"$make_sweep" part 40 150 || fail "make_sweep"
printf '{"event":"scored","fold":0,"ru' >>part/sweep.jsonl
run 0 sweep part
has stdout "to go once kt-train goes on"
run 0 sweep part --json
python3 -c '
import json, sys
v = json.load(open("stdout"))
assert not v["ended"] and not v["at_work"] and v["seconds_to_go"] > 0 and v["budget_left"] > 0' && ok ||
  fail "an unfinished sweep: $(head -c 900 stdout)"

# watching ends with the sweep; each line once, though nothing happens for a while
"$kt" sweep part --watch --every 0.1 >watched &
watcher=$!
sleep 0.5
cp run/sweep.jsonl part/new && mv part/new part/sweep.jsonl
for _ in $(seq 100); do kill -0 $watcher 2>/dev/null || break; sleep 0.1; done
wait $watcher && ok || fail "--watch: exit $?"
[ "$(wc -l <watched)" -eq 2 ] && ok || fail "watched: $(cat watched)"
grep -qF "40 of 40 trials over" watched && ok || fail "watched: $(cat watched)"

"$make_sweep" each 9 0 3 || fail "make_sweep"
run 0 sweep each
has stdout "3 searches"
counts stdout 1 "best:   s0002: trial"
has stdout "27 of 27"

# ---- what is wrong ----
mkdir empty
run 1 sweep empty
has stderr "empty: no sweep.jsonl in this folder"
run 2 sweep run --json --csv
has stderr "one of them"
run 2 sweep
cp -r run bad
sed -i '7s/"trial"/"trail"/' bad/sweep.jsonl
run 1 sweep bad
has stderr "bad/sweep.jsonl:7: is damaged"
finish
