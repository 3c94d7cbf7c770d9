#!/usr/bin/env bash
# Three hosts: the archive of one process, on unlike processors too; a host that sees another dataset, runs another
# program, or is cut off is named.
. "$(dirname "$0")/common.sh"
table data.csv 4000 3
budget="--steps 300 --batch 256 --quiet"
"$kt_train" data.csv --out local $budget >local.log 2>&1 || fail "the local run"

for mode in service data; do
  train 6 data.csv --out $mode --parallel $mode $budget >$mode.log 2>&1 || fail "$mode: $(cat $mode.log)"
  same local/models.h5 $mode/models.h5 "three hosts, $mode"
done
grep -q '"ranks": 6' data/run.json && grep -q '"host": "h1"' data/run.json && ok || fail "$(cat data/run.json)"

# processors that differ: each host has its own KT_ISA
echo "export KT_ISA=generic" >h1.sh
echo "export KT_ISA=v3" >h2.sh
grep -qw avx512vl /proc/cpuinfo && echo "export KT_ISA=v4" >h3.sh
[ "$(uname -m)" = x86_64 ] || rm -f h2.sh h3.sh
train 3 data.csv --out unlike --parallel data $budget >unlike.log 2>&1 || fail "unlike: $(cat unlike.log)"
same local/models.h5 unlike/models.h5 "unlike processors"
grep -q '"isa": "generic"' unlike/run.json && ok || fail "h1 has not its own kernel"
echo "export KT_ISA=v5" >h3.sh
train 3 data.csv --out wrong $budget >wrong.log 2>&1 && fail "an instruction set that is none"
grep -q "^kt-train: .*KT_ISA" wrong.log && ok || fail "$(cat wrong.log)"
rm -f h?.sh

refused() { # WORDS...: in the file refused.log, from a run that must fail
  local word
  for word in "$@"; do grep '^kt-train: ' refused.log | grep -qF -- "$word" && ok || fail "no '$word' in: $(cat refused.log)"; done
}

# h2 has a folder of its own in the place of the run's: an older dataset.h5 there, or none
mkdir -p own/stale own/none
table older.csv 4000 3 7
"$kt_train" older.csv --out older $budget >/dev/null 2>&1 && cp older/dataset.h5 own/stale/
for what in stale none; do
  mkdir -p run-$what
  echo "mount --bind '$scratch/own/$what' '$scratch/run-$what'" >h2.sh
  train 3 data.csv --out run-$what --stall 3s $budget >refused.log 2>&1
  [ $? -eq 1 ] && ok || fail "$what: exit code"
  refused "on h2" "run-$what/dataset.h5"
  [ ! -e run-$what/models.h5 ] && ok || fail "$what: an archive"
done
rm -f h2.sh

# another release on h3
echo "mount --bind '$KT_OTHER' '$kt_train'" >h3.sh
train 3 data.csv --out mixed $budget >refused.log 2>&1
[ $? -eq 1 ] && ok || fail "another program: exit code"
refused "rank 2 on h3 runs kt-train" "numerics 999" "rank 0 on h1"
rm -f h3.sh

# h3 is cut off while all train
cut() { # NAME OPTIONS...: until it has been cut; `job`
  local name=$1 i
  shift
  train 6 data.csv --out "$name" --quiet --steps 100000000 --patience 0 "$@" >"$name.log" 2>&1 &
  job=$!
  for ((i = 0; i < 300; i++)); do
    grep -q '"look"' "$name/journal.jsonl" 2>/dev/null && break
    sleep 0.1
  done
  [ $i -lt 300 ] || fail "$name does not train: $(cat "$name.log")"
  ip -n "${space}3" link set eth0 down
}
ranks_on() { ip netns pids "$space$1" | while read -r pid; do cat "/proc/$pid/comm" 2>/dev/null; done | grep -c '^kt-train'; }
await_end() { # SECONDS COMMAND...: until it fails
  local i seconds=$1
  shift
  for ((i = 0; i < 10 * seconds; i++)); do
    "$@" || return 0
    sleep 0.1
  done
  return 1
}
mend() {
  local host
  for host in 1 2 3; do ip netns pids "$space$host" | xargs -r kill -KILL; done
  wait $job
  ip -n "${space}3" link set eth0 up
}
some_on_1_or_2() { [ "$(ranks_on 1)" -gt 0 ] || [ "$(ranks_on 2)" -gt 0 ]; }
some_on_3() { [ "$(ranks_on 3)" -gt 0 ]; }
job_is_there() { kill -0 $job 2>/dev/null; }

# mpirun notices, as the jobs set it, only quicker
export OMPI_MCA_oob_tcp_keepalive_time=2 OMPI_MCA_oob_tcp_keepalive_intvl=1 OMPI_MCA_oob_tcp_keepalive_probes=2
cut mpirun
await_end 15 job_is_there && ok || fail "mpirun does not end: $(cat mpirun.log)"
grep -q "Remote daemon: .* on node h3" mpirun.log && ok || fail "mpirun does not name h3: $(cat mpirun.log)"
mend

# mpirun does not: the ranks do, on both sides; what is left of it is the launcher's
export OMPI_MCA_oob_tcp_keepalive_time=0
cut stall --stall 5s
await_end 15 some_on_1_or_2 && ok || fail "ranks stay: $(cat stall.log)"
grep -q "^kt-train: rank [25] on h3 was not heard of for [56] s" stall.log && ok || fail "h3 is not named: $(cat stall.log)"
[ "$(grep -c 'not heard of' stall.log)" -eq 1 ] && ok || fail "said more than once: $(cat stall.log)"
await_end 10 some_on_3 && ok || fail "ranks of h3 stay"
mend
finish
