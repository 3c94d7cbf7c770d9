#!/usr/bin/env bash
# From recorded traces to an archive: the same whatever the ranks, the order of the files and the way round by a dataset.
. "$(dirname "$0")/common.sh"
cd "$scratch" || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
sample=$tests/../data/sample
quick="--recipe fast --quiet"

train() { # OUT RANKS ARGUMENTS...
  local out=$1 ranks=$2
  shift 2
  kt_mpirun "$ranks" "$kt_train" "$@" --out "$out" $quick >"$out.stdout" 2>"$out.stderr" || fail "$out: $(tail -n 3 "$out.stderr")"
}
refused() { # CODE MESSAGE ARGUMENTS...
  local code=$1 message=$2 got
  shift 2
  "$kt_train" "$@" --out refused $quick >stdout 2>stderr
  got=$?
  [ $got -eq "$code" ] && ok || fail "kt-train $*: exit $got, not $code"
  grep -qF -- "$message" stderr && ok || fail "kt-train $*: no '$message' in $(cat stderr)"
  [ -e refused/models.h5 ] && fail "kt-train $*: left an archive"
  rm -rf refused
}

train one 1 --traces "$sample"
for service in cart catalog entry payment; do
  grep -q "^$service .*held out, interior" one.stdout && ok || fail "$service was not judged"
done
train three 3 --traces "$sample"
same one/models.h5 three/models.h5 "three ranks"

# one file at a time, from the last to the first, the manifest by its name
train files 1 --manifest "$sample/manifest.json" --traces $(ls -r "$sample"/v1/*.gz)
same one/models.h5 files/models.h5 "files in another order"

train again 1 one/dataset.h5
same one/models.h5 again/models.h5 "from the dataset of a run"
"$kt" clean "$sample" --out cleaned.h5 >/dev/null 2>&1 || fail "kt clean"
train cleaned 1 cleaned.h5
same one/models.h5 cleaned/models.h5 "from kt clean's dataset"

"$kt_train" --traces "$sample" --out one $quick >stdout 2>stderr && grep -q "finished already" stdout && ok || fail "run again: $(cat stdout stderr)"
"$kt_train" --traces "$sample" --out one --queue none $quick >stdout 2>stderr
[ $? -eq 1 ] && grep -q -- "--queue" stderr && ok || fail "other options: $(cat stdout stderr)"

mkdir empty && refused 1 "empty" --traces empty
refused 1 "nowhere" --traces nowhere
refused 2 "did you mean 'entry'" --traces "$sample" --entry entri
refused 2 "--features" --traces "$sample" --features rps_eff --features rep
refused 2 "--rps-eff rows:8" "$tests/fixtures/requests.csv" --rps-eff rows:8
finish
