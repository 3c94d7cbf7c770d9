#!/usr/bin/env bash
# Bad input: one message that names file, line or object and value, the right exit code, nothing half-written, and all
# ranks gone.
. "$(dirname "$0")/common.sh"

good=$scratch/good.csv
table "$good" 800 1
header='rps_eff,rep,proc_time_a'

# refused CODE "WORDS OF THE MESSAGE" ARGUMENTS...: with two ranks, into a folder that must not appear whole
refused() {
  local code=$1 words=$2 out=$scratch/out got
  shift 2
  rm -rf "$out"
  timeout 60 bash -c '. "$1"; shift; kt_mpirun 2 "$@"' - "$tests/../jobs/setup.sh" "$kt_train" --out "$out" --steps 75 "$@" \
    >"$scratch/stdout" 2>"$scratch/stderr"
  got=$?
  grep -q '^kt-train: ' "$scratch/stderr" || fail "$*: no message: $(cat "$scratch/stderr")"
  [ "$(grep -c '^kt-train: ' "$scratch/stderr")" -eq 1 ] && ok || fail "$*: $(grep -c '^kt-train: ' "$scratch/stderr") messages"
  if [ $got -eq "$code" ]; then ok; else fail "$*: exit $got, not $code"; fi
  local word
  for word in $words; do
    if grep '^kt-train: ' "$scratch/stderr" | grep -qF -- "$word"; then ok; else fail "$*: no '$word' in: $(cat "$scratch/stderr")"; fi
  done
  [ -e "$out/models.h5" ] && fail "$*: an archive is there"
  find "$scratch" -name '.*tmp*' | grep -q . && fail "$*: a temporary file is left: $(find "$scratch" -name '.*tmp*')"
  return 0
}

# bad NAME "WORDS": the rest of standard input is the file
bad() {
  cat >"$scratch/$1.csv"
  refused 1 "$1.csv $2" "$scratch/$1.csv"
}

refused 1 "missing.csv" "$scratch/missing.csv"
: >"$scratch/empty.csv"; refused 1 "empty.csv" "$scratch/empty.csv"
mkdir "$scratch/nothing"; refused 1 "nothing" "$scratch/nothing"
bad header_only "" <<<"$header"
bad no_target "proc_time" <<<"rps_eff,rep,time_a
1,1,0.1"
bad no_feature "rps_eff" <<<"rps_ef,rep,proc_time_a
1,1,0.1"
bad text ":3 fast" <<<"$header
1,1,0.1
1,1,fast"
bad nan ":2 nan" <<<"$header
1,1,nan"
bad infinite ":2 inf" <<<"$header
1,1,inf"
bad negative ":2 -0.1" <<<"$header
1,1,-0.1"
bad short ":3" <<<"$header
1,1,0.1
1,1"
head -c 4000 /dev/zero >"$scratch/junk.csv"; refused 1 "junk.csv" "$scratch/junk.csv"
awk 'BEGIN {print "rps_eff,rep,proc_time_a"; for (i = 0; i < 100; i++) print "1,1," 5000 + i}' >"$scratch/units.csv"
refused 1 "units.csv --time-unit" "$scratch/units.csv"

refused 2 "--steps --stepz" "$good" --stepz 3
refused 2 "--family weibul" "$good" --family weibul
refused 2 "--test-cells 2" "$good" --test-cells 2
refused 2 "batch 100" "$good" --batch 100
refused 2 "s0 s_0" "$good" --service s_0
refused 2 "no data"

"$KT_BIN/kt-train" "$good" --out "$scratch/run" --steps 75 -q >/dev/null || fail "a good run"
head -c 3000 "$scratch/run/dataset.h5" >"$scratch/truncated.h5"; refused 1 "truncated.h5" "$scratch/truncated.h5"
refused 1 "models.h5" "$scratch/run/models.h5" # HDF5 of another schema

mkdir "$scratch/theirs"; echo thesis >"$scratch/theirs/thesis.tex"
"$KT_BIN/kt-train" "$good" --out "$scratch/theirs" -q >/dev/null 2>"$scratch/stderr" && fail "somebody's folder was taken"
grep -q thesis.tex "$scratch/stderr" && [ "$(ls "$scratch/theirs")" = thesis.tex ] && ok || fail "somebody's folder"

: >"$scratch/file"
"$KT_BIN/kt-train" "$good" --out "$scratch/file/run" -q >/dev/null 2>"$scratch/stderr" && fail "a file as folder"
grep -q "$scratch/file" "$scratch/stderr" && ok || fail "a file as folder: $(cat "$scratch/stderr")"

# a full disk, met at every stage: small file systems, where we may mount one
mkdir "$scratch/small"
for kib in 8 20 32 44 48 52 56 60 64 68; do
  if ! mount -t tmpfs -o size=${kib}k tmpfs "$scratch/small" 2>/dev/null; then
    echo "full disk: not run, no right to mount a tmpfs"
    break
  fi
  timeout 60 "$KT_BIN/kt-train" "$good" --out "$scratch/small/run" -q >/dev/null 2>"$scratch/stderr"
  code=$?
  if [ -e "$scratch/small/run/run.json" ]; then
    [ $code -eq 0 ] && ok || fail "$kib KiB were enough, exit $code"
  else
    [ $code -eq 1 ] && ok || fail "full disk of $kib KiB: exit $code"
    grep -q "No space left" "$scratch/stderr" && ok || fail "full disk of $kib KiB: $(cat "$scratch/stderr")"
  fi
  for file in $(find "$scratch/small" -name '*.h5'); do # what is there is whole
    "$kt" verify "$file" >/dev/null && ok || fail "full disk of $kib KiB: $file is not whole"
  done
  [ -z "$(find "$scratch/small" -name '.*tmp*')" ] && ok || fail "full disk of $kib KiB: temporary files are left"
  umount "$scratch/small"
done
finish
