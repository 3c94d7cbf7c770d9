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

# on a terminal the whole is drawn from its top
python3 - "$kt" <<'PY' && ok || fail "--watch on a terminal"
import os, pty, subprocess, sys
terminal, end = pty.openpty()
process = subprocess.Popen([sys.argv[1], "sweep", "run", "--watch"], stdout=end)
os.close(end)
drawn = b""
try:
    while True:
        drawn += os.read(terminal, 65536)
except OSError: # it has ended
    pass
assert process.wait() == 0
assert drawn.startswith(b"\x1b[H\x1b[J") and b"40 of 40" in drawn and drawn.count(b"\x1b[J") == 1
PY

# while it is being written
"$make_sweep" live 64 0 200 &
maker=$!
until [ -e live/sweep.jsonl ] || ! kill -0 $maker 2>/dev/null; do sleep 0.01; done
looks=0
while kill -0 $maker 2>/dev/null; do
  "$kt" sweep live --top 0 >stdout 2>stderr || fail "while it is written: $(cat stderr)"
  looks=$((looks + 1))
done
wait $maker && [ $looks -gt 1 ] && ok || fail "looked $looks times at a ledger that was being written"
run 0 sweep live --top 0
has stdout "12800 of 12800"

"$make_sweep" each 9 0 3 || fail "make_sweep"
run 0 sweep each
has stdout "3 searches"
[ "$(grep -cE '^s000[0-2] +[0-9]+ +done, won' stdout)" -eq 3 ] && ok || fail "not the best of each: $(cat stdout)"
run 0 sweep each --service s0001 --top 4
has stdout "best:   s0001: trial"
[ "$(grep -cE '^ +[0-9]+ +[0-9]+ ' stdout)" -eq 4 ] && ok || fail "not 4 trials: $(cat stdout)"
run 0 sweep each
has stdout "27 of 27"

# ---- the report: the same numbers, from everywhere the same bytes ----
"${KT_MAKE_ARCHIVE:?}" run/models.h5
run 0 report run -o page.html
has page.html 'How the settings were found'
lacks page.html 'no number <'
cp -r run moved && run 0 report moved -o again.html && cmp -s page.html again.html && ok || fail "other bytes"
run 0 report run --format md; has stdout '## How the settings were found'
run 0 report run --format json; mv stdout report.json
python3 - <<'PY' && ok || fail "the page says something else"
import html, json, re
page = open("page.html", encoding="utf-8").read()
section = page[page.index('<section id="sweep"'):]
trials = {t["trial"]: t for t in json.load(open("sweep.json"))["searches"][0]["trials"]}
rows = [(int(n), [html.unescape(c).strip() for c in re.split("<t[hd][^>]*>", row)[1:]])
        for n, row in re.findall("<tr data-t=([0-9]+)>(.*)", section)]
assert {n for n, _ in rows} == set(trials) and rows[0][0] == 9
for n, cells in rows:
    t = trials[n]
    assert cells[1].split(",")[0] == t["state"]
    assert cells[3] == ("-" if t["value"] is None else "%.6g" % t["value"])
    assert cells[5] == ("%.4g" % t["options"]["clip"] if "clip" in t["options"] else "-")
    assert cells[-1] == t.get("reason", "")
lines = {int(n): points for n, points in re.findall('data-t=([0-9]+) d="M([0-9 ]+)"', section)}
assert set(lines) == {n for n, t in trials.items() if "rung" in t or t["state"] == "failed"}
rates = sorted(lines, key=lambda n: trials[n]["options"]["learning-rate"])
heights = [int(lines[n].split()[2 * 3 + 1]) for n in rates] # its axis is the fourth
assert heights == sorted(heights, reverse=True)
report = json.load(open("report.json"))["sweep_run"]
importance = report["searches"][0]["importance"]
assert {one["option"] for one in importance} == {"clip", "components", "hidden", "learning-rate", "recipe", "weight-decay"}
assert importance[0]["option"] in ("hidden", "learning-rate")
assert all(one["trials"] == (sum("clip" in t["options"] for t in trials.values()) if one["option"] == "clip" else 40)
           for one in importance)
PY
"$make_sweep" many 1000 && cp run/models.h5 many
run 0 report many -o many.html
[ "$(stat -c %s many.html)" -lt 1000000 ] && ok || fail "1,000 trials take $(stat -c %s many.html) bytes"
for events in 1 2 5 20 40; do # one that has just begun
  "$make_sweep" begun-$events 9 $events && cp run/models.h5 begun-$events
  run 0 report begun-$events -o begun.html
  has begun.html 'The sweep has not ended'
  lacks begun.html nan
done
# of a sweep with a search for each service those that are asked for
"$make_sweep" named 9 0 20 && "$KT_MAKE_ARCHIVE" named/models.h5 20
run 0 report named -o named.html
has named.html 'the first 12 of 20 services'
lacks named.html '<h3>s0015</h3>'
run 0 report named --service s0015 -o named.html
has named.html '<h3>s0015</h3>'
[ "$(grep -c 'class="sweep"' named.html)" -eq 1 ] && ok || fail "other searches than that of s0015"
run 0 report run/models.h5 -o archive.html
lacks archive.html 'How the settings were found'

# ---- what is wrong ----
mkdir empty
run 1 sweep empty
has stderr "empty: no sweep.jsonl in this folder"
run 2 sweep run --json --csv
has stderr "one of them"
run 2 sweep each --service s9
has stderr "no search of the service 's9'"
run 2 sweep run --service s0000
has stderr "one search is for all services"
run 2 sweep
cp -r run bad
sed -i '7s/"trial"/"trail"/' bad/sweep.jsonl
run 1 sweep bad
has stderr "bad/sweep.jsonl:7: is damaged"
finish
