#!/usr/bin/env bash
# A sweep is a function of its data and options: the same archive, byte for byte, and the same decisions for any number
# of ranks, stopped and gone on or not. What it may not be asked is refused, and nothing is overwritten.
. "$(dirname "$0")/common.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # mpirun gives ranks a second to end, also those that have ended
. "$(dirname "$0")/events.sh"
cd "$scratch" || exit 1
table data.csv 3000 2
cat >sweep.json <<'END'
{"trials": 20, "batch": 10, "seed": 3, "method": "tpe", "scheduler": "hyperband", "rungs": 3, "eta": 3, "keep": 2,
 "space": {"learning-rate": {"log": [0.002, 0.05]}, "components": {"int": [2, 6]}, "batch-norm": {"choice": [false, true]},
           "hidden": {"choice": [[8], [16, 16]]}, "weight-decay": {"uniform": [0, 0.3], "when": {"batch-norm": false}},
           "batch": {"choice": [64, 512]}, "steps": 8000}}
END
options="--sweep sweep.json --no-report --epochs 0"

kt_mpirun 1 "$kt_train" data.csv --out one $options --quiet >one.out || fail "one rank: exit $?"
events one/sweep.jsonl >one.events
[ "$(grep -c '"event": "proposed"' one.events)" -eq 20 ] && ok || fail "$(grep -c proposed one.events) trials of 20"
[ "$(grep -c '"event": "promoted"' one.events)" -ge 4 ] && ok || fail "promoted: $(grep -c promoted one.events)"
[ "$(grep -c '"event": "won"' one.events)" -eq 2 ] && ok || fail "won: $(grep won one.events)"
for ranks in 2 3 5; do
  kt_mpirun $ranks "$kt_train" data.csv --out many $options --quiet >/dev/null || fail "$ranks ranks: exit $?"
  same one/models.h5 many/models.h5 "$ranks ranks"
  events many/sweep.jsonl >many.events
  cmp -s one.events many.events && ok || fail "$ranks ranks: $(diff one.events many.events | head -n 4)"
  [ "$(ls -A many)" = "$(ls -A one)" ] && ok || fail "$ranks ranks: $(ls -A many)"
  rm -rf many
done

# asked to stop, again and again, with another number of ranks each time
stops=0
while kt_mpirun $((1 + stops % 4)) "$kt_train" data.csv --out run $options --quiet --stop-after 0.25 >stdout 2>stderr; [ $? -eq 75 ]; do
  stops=$((stops + 1))
  [ $stops -lt 60 ] || break
done
[ $stops -ge 2 ] && ok || fail "--stop-after: $stops stops: $(cat stderr)"
same one/models.h5 run/models.h5 "stopped $stops times"
events run/sweep.jsonl >run.events
cmp -s one.events run.events && ok || fail "stopped: $(diff one.events run.events | head -n 4)"
"$kt_train" data.csv --out run $options >stdout && grep -q "finished already" stdout && ok || fail "again: $(cat stdout)"

# another sweep, damage
before=$(find run -type f -exec sha256sum {} + | sort)
unchanged() { [ "$before" = "$(find run -type f -exec sha256sum {} + | sort)" ] && ok || fail "$1: files changed"; }
refused() { # CODE PATTERN COMMAND...
  "${@:3}" >stdout 2>stderr
  [ $? -eq "$1" ] && grep -Eq "$2" stderr && ok || fail "${*:3}: $(cat stderr)"
}
sed 's/"seed": 3/"seed": 4/' sweep.json >other.json
refused 1 'run: holds another sweep: its seed is 3, now it is 4' "$kt_train" data.csv --out run --sweep other.json --epochs 0 --no-report
refused 1 'run: holds a run with a sweep' "$kt_train" data.csv --out run --no-report --epochs 0
unchanged "another sweep"

kt_mpirun 2 "$kt_train" data.csv --out part $options --quiet --stop-after 0.4 >stdout 2>stderr
[ $? -eq 75 ] || fail "to be damaged: $(cat stderr)"
lines=$(wc -l <part/sweep.jsonl)
cp part/sweep.jsonl whole
sed '5s/"trial":/"trial":9/' whole >part/sweep.jsonl
refused 1 'part/sweep.jsonl:5: ' "$kt_train" data.csv --out part $options --quiet
cmp -s part/sweep.jsonl <(sed '5s/"trial":/"trial":9/' whole) && ok || fail "a damaged ledger was changed"
head -c -20 whole >part/sweep.jsonl # torn
"$kt_train" data.csv --out part $options --quiet >/dev/null 2>stderr || fail "a torn ledger: $(cat stderr)"
same one/models.h5 part/models.h5 "a torn ledger"

# what a file may not say: nothing begins
bad() { # PATTERN JSON
  printf '%s' "$2" >bad.json
  refused 2 "$1" "$kt_train" data.csv --out none --sweep bad.json
  [ -e none ] && fail "$2: a folder was made" || ok
}
bad 'bad.json.*learning-rat.*learning-rate' '{"space": {"learning-rat": {"log": [0.1, 1]}}}'
bad 'bad.json.*methd.*method' '{"methd": "tpe", "space": {"clip": {"uniform": [0, 1]}}}'
bad 'bad.json' '{"space": {}}'
bad 'bad.json.*clip' '{"space": {"clip": {"uniform": [1, 0]}}}'
bad 'bad.json.*head' '{"space": {"clip": {"uniform": [0, 1], "when": {"head": "exp"}}}}'
bad 'bad.json.*max_trials' '{"method": "grid", "max_trials": 8, "space": {"components": {"int": [1, 9], "grid": 9}}}'
bad 'bad.json.*keep' '{"keep": 17, "space": {"clip": {"uniform": [0, 1]}}}'
refused 2 '\-\-dry-run' "$kt_train" data.csv --out none --dry-run
refused 2 '\-\-part' "$kt_train" data.csv --out none --part 1/2 --sweep sweep.json
refused 1 'none.json' "$kt_train" data.csv --out none --sweep none.json

# what would be tried
"$kt_train" data.csv --out none $options --dry-run >stdout 2>stderr || fail "--dry-run: $(cat stderr)"
[ "$(grep -c '^trial ' stdout)" -eq 10 ] && grep -q "and 10 more" stdout && grep -Eq "^about [0-9.e-]+ s" stdout && ok || fail "--dry-run: $(cat stdout)"
[ -e none ] && fail "--dry-run: a folder was made" || ok

# trials that fail are lines of the ledger; with too many of them the sweep ends
sed 's/"trials": 20/"trials": 12, "scheduler": "none", "method": "random"/; s/, "scheduler": "hyperband"//; s/8000/300/; s/"keep": 2/"keep": 1/; s/\[64, 512\]/[64, 100]/; s/"method": "tpe", //' sweep.json >failing.json
"$kt_train" data.csv --out failing --sweep failing.json --epochs 0 --no-report --quiet >/dev/null 2>stderr || fail "failing trials: $(cat stderr)"
failed=$(grep -c '"event":"failed"' failing/sweep.jsonl)
[ "$failed" -ge 1 ] && [ "$failed" -lt 12 ] && grep -q 'batch 100' failing/sweep.jsonl && ok || fail "failing trials: $failed"
sed 's/"trials"/"max_failures": 1, "trials"/' failing.json >strict.json
refused 1 'trials failed, max_failures is 1' "$kt_train" data.csv --out strict --sweep strict.json --epochs 0 --no-report --quiet

# a search for each service, by folds
sed 's/"trials": 20/"trials": 6, "per": "service", "folds": 3/; s/8000/300/; s/"batch": 10, //; s/"keep": 2/"keep": 1/' sweep.json >each.json
for ranks in 1 3; do
  kt_mpirun $ranks "$kt_train" data.csv --out each-$ranks --sweep each.json --epochs 0 --no-report --quiet >/dev/null || fail "a search each, $ranks ranks"
done
same each-1/models.h5 each-3/models.h5 "a search for each service"
[ "$(grep -c '"event":"won"' each-1/sweep.jsonl)" -eq 2 ] && grep -q '"fold":2' each-1/sweep.jsonl && ok || fail "won: $(grep won each-1/sweep.jsonl)"
finish
