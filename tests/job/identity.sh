#!/usr/bin/env bash
# The same archive, byte for byte: for any number of ranks, both ways to share work, every family and instruction set,
# rows that fill no whole block, and one service alone or among all. KT_RANKS and KT_FAMILIES make the list shorter.
. "$(dirname "$0")/common.sh"

table "$scratch/large.csv" 9003 2
table "$scratch/small.csv" 60 1 # one block, not full
budget="--steps 160 --quiet"

train() { # RANKS OUT DATA OPTIONS...
  local ranks=$1 out=$2 data=$3
  shift 3
  mkdir -p "$out.mpi" # two launchers run side by side, and one that ends would remove the other's session
  OMPI_MCA_orte_tmpdir_base=$out.mpi kt_mpirun "$ranks" "$kt_train" "$data" --out "$out" $budget "$@" >"$out.log" 2>&1 || { cat "$out.log"; fail "kt-train $*"; }
}

groups() { # of how many ranks was the group that fitted each service?
  sed -n 's/.*"event":"fitted".*"group":\([0-9]*\).*/\1/p' "$1/journal.jsonl" | tr '\n' ' '
}

isas=v3
if grep -qw avx512vl /proc/cpuinfo; then isas="v3 v4"; else echo "v4: not run, this CPU has no AVX-512"; fi
[ "$(uname -m)" = x86_64 ] || { isas=auto; echo "v3, v4: not run, this is no x86-64"; }

for family in ${KT_FAMILIES:-weibull gamma lognormal normal}; do
  one=$scratch/$family-1
  KT_ISA=generic train 1 "$one" "$scratch/large.csv" --family $family --batch 512 # 8 strips
  for isa in $isas; do
    for ranks in ${KT_RANKS:-1 2 3 4 5 8}; do
      rm -rf "$scratch/service" "$scratch/data"
      for mode in service data; do # side by side: most of their time is MPI's start
        KT_ISA=$isa train $ranks "$scratch/$mode" "$scratch/large.csv" --family $family --batch 512 --parallel $mode &
      done
      wait
      for mode in service data; do
        run=$scratch/$mode
        same "$one/models.h5" "$run/models.h5" "$family, $isa, $ranks ranks, $mode"
        expected="1 1 "
        [ $mode = data ] && expected="$ranks $ranks "
        if [ "$(groups "$run")" = "$expected" ]; then ok; else fail "$ranks ranks, $mode: groups of $(groups "$run")"; fi
        if grep -q "\"isa\": \"$isa\"" "$run/run.json" || [ $isa = auto ]; then ok; else fail "$isa: $(cat "$run/run.json")"; fi
      done
    done
  done
done

# strips and blocks were not all full
rows=$("$kt" info "$scratch/weibull-1/dataset.h5" --json | sed -n 's/.*"training": \([0-9]*\).*/\1/p' | sort -u)
for n in ${rows:-0}; do
  if [ $((n % 64)) -ne 0 ] && [ $((n % 8)) -ne 0 ]; then ok; else fail "$n rows: a multiple of 8 or 64"; fi
done

# another data set gives another archive: cmp can fail
table "$scratch/other.csv" 9003 2 2
train 1 "$scratch/other" "$scratch/other.csv" --batch 512
if cmp -s "$scratch/weibull-1/models.h5" "$scratch/other/models.h5"; then fail "other data, same archive"; else ok; fi

for recipe in default seed; do
  limit=
  [ $recipe = seed ] && limit="--epochs 3"
  train 1 "$scratch/small-$recipe-1" "$scratch/small.csv" --recipe $recipe $limit
  train 3 "$scratch/small-$recipe-3" "$scratch/small.csv" --recipe $recipe $limit --parallel data
  same "$scratch/small-$recipe-1/models.h5" "$scratch/small-$recipe-3/models.h5" "60 rows, recipe $recipe"
done

# a stored dataset trains to the archive of its source
train 2 "$scratch/again" "$scratch/weibull-1/dataset.h5" --batch 512
same "$scratch/weibull-1/models.h5" "$scratch/again/models.h5" "from dataset.h5"

# one service alone is the same model as among all
train 2 "$scratch/alone" "$scratch/large.csv" --batch 512 --service s1
for run in alone weibull-1; do
  h5dump -y -g /models/s1 "$scratch/$run/models.h5" | tail -n +2 >"$scratch/$run.s1"
  for part in parameters scaler hull looks cells; do
    if grep -q "DATASET \"$part\"" "$scratch/$run.s1"; then ok; else fail "$run: no $part"; fi
  done
done
same "$scratch/alone.s1" "$scratch/weibull-1.s1" "one service alone"
finish
