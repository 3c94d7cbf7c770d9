#!/usr/bin/env bash
# Sweeps killed with SIGKILL under 4 ranks at seeded moments, twice each, and gone on with other numbers of ranks: the
# archive of an undisturbed sweep with 1 rank, byte for byte, the same decisions, and no trial's fit scored twice. Some
# moments are calls on a file, made exact by at.c; the others are times. KT_KILLS: how many sweeps (20).
. "$(dirname "$0")/../job/common.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # who is struck is the only one who writes: the others need no second to end
. "$(dirname "$0")/../job/events.sh"

table "$scratch/data.csv" 3000 2
cat >"$scratch/sweep.json" <<'END'
{"trials": 18, "batch": 9, "seed": 5, "folds": 2,
 "space": {"learning-rate": {"log": [0.002, 0.05]}, "components": {"int": [2, 6]}, "hidden": {"choice": [[8], [16, 16]]},
           "batch": {"choice": [64, 512]}, "steps": 600}}
END
options="--sweep $scratch/sweep.json --epochs 0 --quiet --no-report --checkpoint-every 0.1"
kt_mpirun 1 "$kt_train" "$scratch/data.csv" --out "$scratch/one" $options >/dev/null || fail "the undisturbed sweep"
files=$(ls -A "$scratch/one")
events "$scratch/one/sweep.jsonl" >"$scratch/one.events"

RANDOM=${KT_SEED:-1}
# call, file or text, of so many calls at most; "time": of so many tenths of a second
moments=("time - 8" "write \"event\":\"scored\" 60" "time - 16" "write \"event\":\"promoted\" 8" "fsync sweep.jsonl 6"
  "time - 24" "write \"event\":\"proposed\" 18" "rename fits- 4" "time - 12" "rename fold- 2")

end_all() { # of a run: mpirun and its ranks
  pkill -9 -f -- "--out $1 " 2>/dev/null
  wait 2>/dev/null
}

# strike RUN RANKS MOMENT: runs until it is killed there, or to its end
strike() {
  local run=$1 ranks=$2 call what most
  read -r call what most <<<"$3"
  if [ "$call" = time ]; then
    kt_mpirun "$ranks" "$kt_train" "$scratch/data.csv" --out "$run" $options >/dev/null 2>&1 &
    sleep "$(awk -v t=$((RANDOM % most)) 'BEGIN { print 0.3 + t / 10 }')"
  else
    KT_AT="$call $what $((1 + RANDOM % most)) kill" LD_PRELOAD=$KT_AT_LIBRARY \
      kt_mpirun "$ranks" "$kt_train" "$scratch/data.csv" --out "$run" $options >/dev/null 2>&1
  fi
  end_all "$run"
}

kills=0 tries=0
while [ "$kills" -lt "${KT_KILLS:-20}" ] && [ "$tries" -lt 100 ]; do
  first=${moments[$((tries % ${#moments[@]}))]} second=${moments[$((RANDOM % ${#moments[@]}))]}
  run=$scratch/run-$tries
  tries=$((tries + 1))
  strike "$run" 4 "$first"
  if [ -e "$run/run.json" ]; then
    rm -rf "$run" # the moment did not come
    continue
  fi
  strike "$run" $((1 + RANDOM % 5)) "$second"
  kills=$((kills + 1))
  ranks=$((1 + RANDOM % 5))
  kt_mpirun $ranks "$kt_train" "$scratch/data.csv" --out "$run" $options >"$run.log" 2>&1 || fail "going on: $(cat "$run.log")"
  same "$scratch/one/models.h5" "$run/models.h5" "sweep $kills ($first; $second), then $ranks ranks"
  events "$run/sweep.jsonl" >"$scratch/events"
  cmp -s "$scratch/one.events" "$scratch/events" && ok || fail "sweep $kills: $(diff "$scratch/one.events" "$scratch/events" | head -n 4)"
  [ "$(ls -A "$run")" = "$files" ] && ok || fail "files after $kills: $(ls -A "$run")"
  echo "sweep $kills: $first; $second; then $ranks ranks"
  rm -rf "$run"
done
[ "$kills" -eq "${KT_KILLS:-20}" ] && ok || fail "$kills sweeps in $tries tries"
finish
