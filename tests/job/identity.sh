#!/usr/bin/env bash
# The same archive, byte for byte: for any number of ranks, both ways to share work, every family and instruction set,
# rows that fill no whole block, and one service alone or among all.
. "$(dirname "$0")/common.sh"

table "$scratch/large.csv" 9003 2 # no multiple of 64; 8 strips at --batch 512
table "$scratch/small.csv" 60 1   # one block, not full
budget="--steps 160 --quiet"

train() { # RANKS OUT DATA OPTIONS...
  local ranks=$1 out=$2 data=$3
  shift 3
  kt_mpirun "$ranks" "$kt_train" "$data" --out "$out" $budget "$@" >"$out.log" 2>&1 || { cat "$out.log"; fail "kt-train $*"; }
}

groups() { # the largest group that fitted a service
  sed -n 's/.*"event":"fitted".*"group":\([0-9]*\).*/\1/p' "$1/journal.jsonl" | sort -n | tail -n 1
}

isas="generic v3"
if grep -qw avx512f /proc/cpuinfo; then isas="$isas v4"; else echo "v4: not run, this CPU has no AVX-512"; fi

for family in weibull gamma lognormal normal; do
  one=$scratch/$family-1
  train 1 "$one" "$scratch/large.csv" --family $family --batch 512
  for ranks in 2 3 4 5 8; do
    for mode in service data; do
      run=$scratch/$family-$ranks-$mode
      train $ranks "$run" "$scratch/large.csv" --family $family --batch 512 --parallel $mode
      same "$one/models.h5" "$run/models.h5" "$family, $ranks ranks, $mode"
      expected=1
      [ $mode = data ] && expected=$ranks
      if [ "$(groups "$run")" = "$expected" ]; then ok; else fail "$ranks ranks, $mode: group of $(groups "$run")"; fi
      rm -rf "$run"
    done
  done
  for isa in $isas; do
    run=$scratch/$family-$isa
    KT_ISA=$isa train 2 "$run" "$scratch/large.csv" --family $family --batch 512 --parallel data
    same "$one/models.h5" "$run/models.h5" "$family, $isa"
  done
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
for object in parameters cells; do
  h5dump -y -d "/models/s1/0/$object" "$scratch/alone/models.h5" | tail -n +2 >"$scratch/alone.$object"
  h5dump -y -d "/models/s1/0/$object" "$scratch/weibull-1/models.h5" | tail -n +2 >"$scratch/all.$object"
  if [ -s "$scratch/all.$object" ]; then ok; else fail "no /models/s1/0/$object"; fi
  same "$scratch/alone.$object" "$scratch/all.$object" "one service alone, $object"
done
finish
