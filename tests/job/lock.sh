#!/usr/bin/env bash
# Two at one folder: the second is refused, a killed one's place is taken at once, and who lost its lock writes nothing.
. "$(dirname "$0")/common.sh"
cd "$scratch" || exit 1
trap 'kill -9 $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT

table data.csv 800 2
long="--steps 2000000" # minutes
begin() { # RUN OPTIONS...: in the background, until it trains; its process is $pid
  local run=$1
  shift
  "$kt_train" data.csv --out "$run" --quiet "$@" >"$run.stdout" 2>"$run.stderr" &
  pid=$!
  for _ in $(seq 300); do
    grep -qs '"phase":"fit"' "$run/journal.jsonl" && return
    sleep 0.1
  done
  fail "$run does not train: $(cat "$run.stderr")"
}
refused() { # WORDS...: of the message of another kt-train there
  local word
  "$kt_train" data.csv --out run --quiet $options >stdout 2>stderr
  [ $? -eq 1 ] && ok || fail "kt-train $options was not refused"
  for word in "$@"; do grep -qF -- "$word" stderr && ok || fail "no '$word' in: $(cat stderr)"; done
}

begin run $long
[ -s run/run.lock ] && ok || fail "no lock"
written() { find run -type f ! -name journal.jsonl | sort | xargs sha256sum; }
before=$(written)
for options in "$long" "$long --fresh"; do
  refused "run/run.lock" "process $pid," "$(uname -n)"
done
SLURM_JOB_ID=77 "$kt_train" data.csv --out other --steps 2000000 --quiet >/dev/null 2>&1 &
second=$!
for _ in $(seq 100); do [ -s other/run.lock ] && break; sleep 0.1; done
grep -q '"job": "77"' other/run.lock && ok || fail "the job is not named"
kill -9 $second
[ "$before" = "$(written)" ] && ok || fail "a refused kt-train changed files: $(written)"

kill -9 "$pid"
wait "$pid" 2>/dev/null
[ -s run/run.lock ] && ok || fail "the lock of a killed one is not there"
: >run/.dataset.h5.999.0.tmp # and what it was about to write
"$kt_train" data.csv --out run --fresh --quiet --steps 75 >/dev/null 2>stderr || fail "no take-over: $(cat stderr)"
[ -e run/models.h5 ] && ! [ -e run/run.lock ] && [ "$(ls -A run | wc -l)" -eq 7 ] && ok || fail "after the end: $(ls -A run)"

# lost in mid-run: what it made is not written, and the other's lock stays
begin lost --steps 60000
sed -i 's/"token": "[0-9a-f]*"/"token": "00112233445566778899aabbccddeeff"/; s/"boot": "[^"]*"/"boot": "another"/' lost/run.lock
cp lost/journal.jsonl journal
wait "$pid"
[ $? -eq 1 ] && ok || fail "exit code after a lost lock"
grep -q "taken over by kt-train on $(uname -n), process $pid" lost.stderr && ok || fail "lost: $(cat lost.stderr)"
[ -e lost/models.h5 ] || [ -e lost/run.json ] && fail "a kt-train without its lock wrote results" || ok
grep -q another lost/run.lock && ok || fail "the other's lock is gone"
same journal lost/journal.jsonl "the journal after the lock was lost"
[ "$(ls -A lost | wc -l)" -eq 6 ] && ok || fail "stray files: $(ls -A lost)"

# every way out gives it back
"$kt_train" data.csv --out wrong --time-unit s --features nothing --quiet >/dev/null 2>&1 && fail "a run without its column"
[ -e wrong/config.json ] && ! [ -e wrong/run.lock ] && ok || fail "after a failure: $(ls -A wrong)"
kt_mpirun 2 "$kt_train" data.csv --out two --steps 75 --quiet >/dev/null 2>stderr || fail "two ranks: $(cat stderr)"
[ -e two/models.h5 ] && ! [ -e two/run.lock ] && ok || fail "after two ranks: $(ls -A two)"
finish
