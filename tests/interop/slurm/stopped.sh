#!/usr/bin/env bash
# Jobs that are stopped in every way and go on: by USR1 under both launchers, by the time limit, by scontrol requeue,
# by the death of a rank, by one that hangs, and cancelled and submitted again with other ranks. A sweep that is preempted
# twice. Each comes to the archive of one process.
. "$(dirname "$0")/common.sh"
long="--steps 40000 --batch 512 --checkpoint-every 0.3 --quiet"
kt-train data.csv --out local $long >local.log || fail "the local run"

begin() { # RUN JOB OPTIONS OF SBATCH...: `id`
  local run=$1 job=$2
  shift 2
  submit --nodes=2 --ntasks-per-node=1 "$@" "$jobs/$job" data.csv --out "$run" $long
}
resumed() { # ID RUN RANKS
  finished "$1"
  same local/models.h5 "$2/models.h5" "$2"
  grep -q "\"ranks\": $3" "$2/run.json" && ok || fail "$2: not $3 ranks"
  grep -q '"event":"resumed"' "$2/journal.jsonl" && ok || fail "$2 began anew"
}

ranks_of() { pgrep -f "^kt-train data.csv --out $1 "; }

# Slurm looks at time limits every half a minute: the ranks are held until its signal has come.
begin limit train.sbatch
limit=$id
await_look limit
kill -STOP $(ranks_of limit) && ok || fail "no ranks of limit"
scontrol update "jobid=$limit" TimeLimit=2
begin usr1 train.sbatch
usr1=$id
await_look usr1
scancel -b -s USR1 "$usr1"
begin srun train-srun.sbatch
srun=$id
await_look srun
scancel -b -s USR1 "$srun"
hurry "$usr1"
says "$usr1" "exit code 75"
hurry "$srun"
says "$srun" "exit code 75"
for ((i = 0; i < 600; i++)); do
  grep -q "USR1: stops" kt-train-"$limit".log && break
  sleep 0.1
done
kill -CONT $(ranks_of limit)
await "$limit" PENDING && says "$limit" "exit code 75"
scontrol update "jobid=$limit" TimeLimit=60
hurry "$limit"

begin requeue train.sbatch
requeue=$id
await_look requeue
sleep 1 # a checkpoint
scontrol requeue "$requeue"
submit --nodes=2 --ntasks-per-node=1 "$jobs/train.sbatch" data.csv --out dies $long --stall 5s
dies=$id
await_look dies
sleep 1
kill -KILL "$(ranks_of dies | tail -n 1)" && ok || fail "no rank to kill"
hurry "$requeue"
hurry "$dies"
says "$dies" "a rank died (1 of 3 times)"
looks=$(grep -c '"look"' dies/journal.jsonl)
for ((i = 0; i < 600; i++)); do
  [ "$(grep -c '"look"' dies/journal.jsonl)" -gt "$looks" ] && break
  sleep 0.1
done
kill -STOP "$(ranks_of dies | tail -n 1)" && ok || fail "no rank to hold"

begin cancel train.sbatch
cancel=$id
await_look cancel
sleep 1
scancel "$cancel"
await "$cancel" CANCELLED
[ ! -e cancel/models.h5 ] && ok || fail "cancelled too late"
submit --nodes=3 --ntasks-per-node=1 "$jobs/train.sbatch" data.csv --out cancel $long
again=$id

# a sweep, asked to stop whenever it has begun
cat >sweep.json <<'END'
{"trials": 12, "batch": 6, "space": {"learning-rate": {"log": [0.002, 0.05]}, "components": {"int": [3, 8]}, "steps": 24000}}
END
scores() { grep -c '"event":"scored"' "$1/sweep.jsonl" 2>/dev/null; }
await_scores() { # RUN N
  local i
  for ((i = 0; i < 600; i++)); do
    [ "$(scores "$1")" -ge "$2" ] 2>/dev/null && return 0
    sleep 0.1
  done
  fail "$1: $(scores "$1") scores, not $2: $(tail -n 20 "$scratch"/*.log)"
}
swept="--sweep sweep.json --epochs 0 --quiet --no-report --checkpoint-every 0.3"
submit --nodes=2 --ntasks-per-node=1 "$jobs/sweep.sbatch" data.csv --out sweep $swept
sweep=$id
await_scores sweep 4
scancel -b -s USR1 "$sweep"
hurry "$sweep"
says "$sweep" "exit code 75"
await_scores sweep $(($(scores sweep) + 4))
scancel -b -s USR1 "$sweep"
hurry "$sweep"
says "$sweep" "start 2 on"

hurry "$dies"
says "$dies" "was not heard of for"
says "$dies" "a rank died (2 of 3 times)"

resumed "$usr1" usr1 2
says "$usr1" "start 2 on"
resumed "$srun" srun 2
resumed "$limit" limit 2
resumed "$requeue" requeue 2
resumed "$dies" dies 2
resumed "$again" cancel 3
finished "$sweep"
says "$sweep" "start 3 on"
kt-train data.csv --out swept $swept >swept.log || fail "the local sweep"
same swept/models.h5 sweep/models.h5 "the sweep"
grep -q '"event":"preempted"' sweep/sweep.jsonl && ok || fail "no trial was preempted"
kt sweep sweep >status && ok || fail "kt sweep: $(cat status)"
finish
