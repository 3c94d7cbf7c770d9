# Sourced by the tests with a Slurm cluster: starts one of 4 nodes, installs the programs, and gives words for jobs.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need_python
export PATH=$PATH:/usr/sbin:/sbin
for program in slurmctld slurmd sbatch munged unshare; do
  command -v $program >/dev/null || skip "$program is not installed (slurmctld slurmd slurm-client munge util-linux)"
done
cluster=$scratch/c
guard bash "$interop/slurm/down.sh" "$cluster"
trap 'status=$?; bash "$interop/slurm/down.sh" "$cluster"; (exit $status); leave' EXIT
port=$(python3 "$interop/ports.py" 1)
bash "$interop/slurm/up.sh" "$cluster" 4 "$port" >up.log 2>&1 || { tail -n 20 up.log; fail "no cluster"; exit 1; }
. "$cluster/env.sh"
unset OMPI_MCA_orte_tmpdir_base # a node has its own

cmake --install "$KT_BIN/.." --prefix "$scratch/prefix" >install.log 2>&1 || { tail install.log; exit 1; }
export PATH=$scratch/prefix/bin:$PATH
jobs=$scratch/prefix/share/kt-train

# A small run that takes some seconds on 4 ranks, and what one process makes of it.
table data.csv 20000 8
budget="--batch 512 --quiet"

submit() { # FILE... with sbatch's options before: `id`
  id=$(sbatch --parsable "$@") || fail "sbatch $*"
  id=${id%%;*}
}
state() { scontrol -o show job "$1" | grep -o ' JobState=[A-Z_]*' | cut -d = -f 2 | sort -u | paste -sd ' '; }
await() { # ID "STATES" [SECONDS]: until the job is in one of them
  local i
  for ((i = 0; i < 4 * ${3:-100}; i++)); do
    [[ " $2 " == *" $(state "$1") "* ]] && return 0
    sleep 0.25
  done
  fail "job $1: $(state "$1"), not $2: $(tail -n 20 "$scratch"/*-"$1"*.log 2>/dev/null)"
  return 1
}
await_look() { # RUN [SECONDS]: until it trains
  local i
  for ((i = 0; i < 10 * ${2:-60}; i++)); do
    grep -q '"look"' "$1/journal.jsonl" 2>/dev/null && return 0
    sleep 0.1
  done
  fail "$1: no look yet: $(tail -n 20 "$scratch"/*.log)"
}
hurry() { # ID: a job that went back into the queue starts now, not in two minutes
  await "$1" PENDING || return
  sleep 3 # or the end of the start before it is taken for its own
  scontrol update "jobid=$1" StartTime=now || fail "StartTime=now"
}
finished() { # ID
  await "$1" "COMPLETED FAILED CANCELLED TIMEOUT NODE_FAIL" "${2:-150}"
  [ "$(state "$1")" = COMPLETED ] && ok || fail "job $1: $(state "$1"): $(cat "$scratch"/*-"$1".log)"
}
says() { grep -qF -- "$2" "$scratch"/*-"$1"*.log && ok || fail "no '$2' in: $(cat "$scratch"/*-"$1"*.log)"; }
