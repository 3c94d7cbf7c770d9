#!/usr/bin/env bash
# Killed with SIGKILL under 4 ranks at seeded moments and gone on with another number of ranks: the archive of an
# undisturbed run with 1 rank, byte for byte, and no stray files. Most moments are calls on a file, made exact by at.c;
# those in the fit are times. KT_KILLS: how many (30).
. "$(dirname "$0")/../job/common.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # who is struck is the only one who writes: the others need no second to end

mkdir "$scratch/data"
table "$scratch/data/large.csv" 9003 2
table "$scratch/small.csv" 700 3 7
sed 's/proc_time_s/proc_time_t/g' "$scratch/small.csv" >"$scratch/data/small.csv"
options="--batch 512 --steps 5000 --quiet --no-report --checkpoint-every 0.1"
kt_mpirun 1 "$kt_train" "$scratch/data" --out "$scratch/one" $options >/dev/null || fail "the undisturbed run"
files=$(ls -A "$scratch/one")

RANDOM=${KT_SEED:-1}
declare -A hits
# phase, call, file or text, of so many calls at most; fit: "time"
moments=("partition pwrite dataset.h5 40" "partition fsync dataset.h5 1" "partition rename dataset.h5 1"
  "fit time - 0" "fit time - 0" "fit time - 0"
  "checkpoint pwrite fits- 20" "checkpoint fsync fits- 8" "checkpoint rename fits- 8" "checkpoint fsync finished 2"
  "gather write \"event\":\"fitted\" 4" "gather write \"event\":\"fitted\" 4"
  "archive pwrite models.h5 40" "archive rename models.h5 1" "archive rename run.json 1")

end_all() { # of a run: mpirun and its ranks
  pkill -9 -f -- "--out $1 " 2>/dev/null
  wait 2>/dev/null
}

# strike RUN MOMENT: runs with 4 ranks until it is killed there. Fails where it was over before.
strike() {
  local run=$1 phase call what most
  read -r phase call what most <<<"$2"
  if [ "$call" = time ]; then
    kt_mpirun 4 "$kt_train" "$scratch/data" --out "$run" $options >/dev/null 2>&1 &
    until grep -qs '"phase":"fit"' "$run/journal.jsonl"; do sleep 0.02; done
    sleep "0.$((RANDOM % 9))"
  else
    KT_AT="$call $what $((1 + RANDOM % most)) kill" LD_PRELOAD=$KT_AT_LIBRARY \
      kt_mpirun 4 "$kt_train" "$scratch/data" --out "$run" $options >/dev/null 2>&1
  fi
  end_all "$run"
  [ ! -e "$run/run.json" ]
}

kills=0 tries=0
while [ "$kills" -lt "${KT_KILLS:-30}" ] && [ "$tries" -lt 200 ]; do
  moment=${moments[$((kills % ${#moments[@]}))]}
  run=$scratch/run-$tries
  tries=$((tries + 1))
  if ! strike "$run" "$moment"; then
    rm -rf "$run" # the moment did not come
    continue
  fi
  kills=$((kills + 1))
  hits[${moment%% *}]=$((${hits[${moment%% *}]:-0} + 1))
  ranks=$((1 + RANDOM % 5))
  kt_mpirun $ranks "$kt_train" "$scratch/data" --out "$run" $options >"$run.log" 2>&1 || fail "going on: $(cat "$run.log")"
  same "$scratch/one/models.h5" "$run/models.h5" "kill $kills ($moment), then $ranks ranks"
  [ "$(ls -A "$run")" = "$files" ] && ok || fail "files after kill $kills ($moment): $(ls -A "$run")"
  resumed=$(grep -h "\"event\":\"resumed\"" "$run/journal.jsonl" | tail -n 1)
  echo "kill $kills: $moment, then $ranks ranks; ${resumed:-from the start}"
  rm -rf "$run"
done

# killed when it had finished, but not gone: the same command tidies up
late=0
for what in finished run.lock; do
  run=$scratch/late-$((++late))
  KT_AT="unlink $what 1 kill" LD_PRELOAD=$KT_AT_LIBRARY \
    kt_mpirun 4 "$kt_train" "$scratch/data" --out "$run" $options >/dev/null 2>&1
  end_all "$run"
  [ -e "$run/run.json" ] && [ -e "$run/run.lock" ] && ok || fail "killed at $what: $(ls -A "$run")"
  kt_mpirun 2 "$kt_train" "$scratch/data" --out "$run" $options >"$run.log" 2>&1 || fail "after $what: $(cat "$run.log")"
  grep -q "finished already" "$run.log" && ok || fail "after $what: $(cat "$run.log")"
  same "$scratch/one/models.h5" "$run/models.h5" "killed at $what"
  [ "$(ls -A "$run")" = "$files" ] && ok || fail "files after $what: $(ls -A "$run")"
done
for phase in partition fit checkpoint gather archive; do
  echo "$phase: ${hits[$phase]:-0} kills"
  [ "${hits[$phase]:-0}" -ge $((${KT_KILLS:-30} / 10)) ] && ok || fail "too few kills in $phase"
done
[ "$kills" -eq "${KT_KILLS:-30}" ] && ok || fail "$kills kills in $tries tries"
finish
