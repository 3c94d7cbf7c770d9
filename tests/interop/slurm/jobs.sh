#!/usr/bin/env bash
# The jobs as they are, on a cluster: finished, by mpirun and by srun; an array, merged; what is not tried again.
. "$(dirname "$0")/common.sh"
kt-train data.csv --out local $budget >local.log || fail "the local run"

submit --nodes=2 --ntasks-per-node=2 "$jobs/train.sbatch" data.csv --out mpirun $budget
mpirun_id=$id
submit --nodes=2 --ntasks-per-node=2 "$jobs/train-srun.sbatch" data.csv --out srun $budget
srun_id=$id
finished "$mpirun_id"
same local/models.h5 mpirun/models.h5 "train.sbatch"
says "$mpirun_id" "exit code 0"
finished "$srun_id"
same local/models.h5 srun/models.h5 "train-srun.sbatch"
grep -q '"ranks": 4' mpirun/run.json srun/run.json && ok || fail "not 4 ranks: $(cat mpirun/run.json srun/run.json)"

submit --array=1-3 --nodes=1 --ntasks-per-node=2 "$jobs/array.sbatch" array data.csv $budget
finished "$id"
same local/models.h5 array/models.h5 "array.sbatch"

# the same command again: nothing to do
submit --nodes=1 --ntasks-per-node=2 "$jobs/train.sbatch" data.csv --out mpirun $budget
finished "$id"
says "$id" "finished already"

# what another start would not mend is not tried again
submit --nodes=1 --ntasks-per-node=2 "$jobs/train.sbatch" data.csv --out usage --stepz 3
await "$id" FAILED && says "$id" "exit code 2"
submit --nodes=1 --ntasks-per-node=2 "$jobs/train.sbatch" nowhere.csv --out nowhere
await "$id" FAILED && says "$id" "exit code 1"
awk -F, -v OFS=, '{print $1, $2, $3, (NR == 1 ? "proc_time_idle" : 0), $NF}' data.csv >idle.csv
submit --nodes=1 --ntasks-per-node=2 "$jobs/train.sbatch" idle.csv --out idle --time-unit s $budget
await "$id" FAILED && says "$id" "exit code 3"

# a rank that dies: back into the queue, once as asked, then given up
export KT_MAX_RESTARTS=1
submit --nodes=2 --ntasks-per-node=1 "$jobs/train.sbatch" data.csv --out dies --steps 100000000 $budget
for start in 1 2; do
  await "$id" RUNNING && await_look dies
  victim=$(pgrep -nf "^kt-train data.csv --out dies") && kill -KILL "$victim" && ok || fail "no rank to kill"
  [ $start -eq 2 ] || { hurry "$id"; rm -f dies/journal.jsonl; }
done
await "$id" FAILED
says "$id" "a rank died (1 of 1 times)"
says "$id" "given up"
finish
