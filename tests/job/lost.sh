#!/usr/bin/env bash
# Ranks that are lost: one that hangs is named and the others leave, one that is killed ends the job at once; a slow one
# is left in peace. And ranks that are not all of one program.
. "$(dirname "$0")/common.sh"
cd "$scratch" || exit 1
table data.csv 2000 3
host=$(uname -n)
endless="--steps 100000000 --patience 0"

begin() { # RANKS OPTIONS...: a run that goes on; `job`, `pids` by rank
  local ranks=$1 i p
  shift
  rm -rf run
  kt_mpirun "$ranks" "$kt_train" data.csv --out run $endless --quiet "$@" >stdout 2>stderr &
  job=$!
  for ((i = 0; i < 300; i++)); do
    grep -q '"look"' run/journal.jsonl 2>/dev/null && break
    sleep 0.1
  done
  pids=()
  for p in $(pgrep -f "^$kt_train data.csv --out run"); do # of this test's scratch folder alone
    [ "$(readlink "/proc/$p/cwd")" = "$scratch" ] || continue
    pids[$(tr '\0' '\n' <"/proc/$p/environ" | sed -n 's/^OMPI_COMM_WORLD_RANK=//p')]=$p
  done
  [ ${#pids[@]} -eq "$ranks" ] && ok || fail "${#pids[@]} of $ranks ranks: $(cat stderr)"
}
ends() { # SECONDS CODE|any: the job, by itself
  local i code
  for ((i = 0; i < 10 * $1; i++)); do
    kill -0 $job 2>/dev/null || break
    sleep 0.1
  done
  kill -0 $job 2>/dev/null && { fail "the job goes on"; kill -KILL "${pids[@]}"; }
  wait $job
  code=$?
  [ $code -ne 0 ] && { [ "$2" = any ] || [ $code -eq "$2" ]; } && ok || fail "exit $code, not $2: $(cat stderr)"
  for ((i = 0; i < 50; i++)); do
    kill -0 "${pids[@]}" 2>/dev/null || break # none of them is there
    sleep 0.1
  done
  [ $i -lt 50 ] && ok || fail "ranks stay"
  [ ! -e run/models.h5 ] && ok || fail "an archive is there"
}
says() { grep -qF -- "$1" stderr && ok || fail "no '$1' in: $(cat stderr)"; }

for lost in 2 0; do
  begin 3 --stall 2s
  kill -STOP "${pids[$lost]}"
  ends 12 1
  says "rank $lost on $host was not heard of"
  says "--stall"
  [ "$(grep -c 'not heard of' stderr)" -eq 1 ] && ok || fail "said more than once: $(cat stderr)"
done

begin 3
kill -KILL "${pids[1]}"
ends 10 any
says "process rank 1"
says "$host"
says "signal 9"

# all stand still for longer than the limit, and go on
begin 2 --stall 2s
kill -STOP "${pids[@]}"
sleep 4
kill -CONT "${pids[@]}"
sleep 3
kill -0 "${pids[0]}" && kill -0 "${pids[1]}" && ok || fail "a job that stood still was ended: $(cat stderr)"
kill -KILL "${pids[@]}"
wait $job

for stall in 0.5s never -1; do
  "$kt_train" data.csv --out none --stall=$stall >stdout 2>stderr
  [ $? -eq 2 ] && ok || fail "--stall $stall: $(cat stderr)"
  says "--stall"
done

# another numerics number, as after a release on some hosts only
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 timeout 60 mpirun --oversubscribe \
  -np 2 "$kt_train" data.csv --out mixed : -np 1 "$KT_OTHER" data.csv --out mixed >stdout 2>stderr
[ $? -eq 1 ] && ok || fail "mixed programs: exit code"
says "rank 2 on $host runs kt-train"
says "numerics 999"
[ ! -e mixed ] && ok || fail "a mixed job made a folder"
finish
