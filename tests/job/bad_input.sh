#!/usr/bin/env bash
# Bad input, with two ranks: one message that names file, line or object and value, the right exit code, nothing
# half-written, and all ranks gone.
. "$(dirname "$0")/common.sh"
export OMPI_MCA_odls_base_sigkill_timeout=0 # mpirun gives ranks a second to end, also those that have ended

good=$scratch/good.csv
out=$scratch/out
table "$good" 800 1
header='rps_eff,rep,proc_time_a'

# ranks ARGUMENTS...: two ranks into $out, their output in the files stdout and stderr of the scratch folder
ranks() {
  timeout 60 bash -c '. "$1"; shift; kt_mpirun 2 "$@"' - "$tests/../jobs/setup.sh" "$kt_train" --out "$out" --steps 75 "$@" \
    >"$scratch/stdout" 2>"$scratch/stderr"
}

# one_message "WORDS" WHAT: rank 0 said it, once, and nobody is left
one_message() {
  local words=$1 what=$2 word n
  n=$(grep -c '^kt-train: ' "$scratch/stderr")
  [ "$n" -eq 1 ] && ok || fail "$what: $n messages: $(cat "$scratch/stderr")"
  for word in $words; do
    grep '^kt-train: ' "$scratch/stderr" | grep -qF -- "$word" && ok || fail "$what: no '$word' in: $(cat "$scratch/stderr")"
  done
  pgrep -f "kt-train --out $out" >/dev/null && fail "$what: ranks are left" || ok
}

# refused CODE "WORDS OF THE MESSAGE" ARGUMENTS...: into a folder in which no file of results may appear
refused() {
  local code=$1 words=$2 got
  shift 2
  rm -rf "$out"
  ranks "$@"
  got=$?
  [ $got -eq "$code" ] && ok || fail "$*: exit $got, not $code"
  one_message "$words" "$*"
  [ -z "$(ls "$out" 2>/dev/null | grep -v '^config.json$\|^inputs.json$\|^journal.jsonl$')" ] && ok || fail "$*: left $(ls -A "$out")"
  [ -z "$(find "$scratch" -name '.*tmp*')" ] && ok || fail "$*: a temporary file is left: $(find "$scratch" -name '.*tmp*')"
}

# bad NAME "WORDS": standard input is the file
bad() {
  cat >"$scratch/$1"
  refused 1 "$1$2" "$scratch/$1"
}

# ---- tables ----

refused 1 "missing.csv" "$scratch/missing.csv"
bad empty.csv ": empty" </dev/null
mkdir "$scratch/nothing"; refused 1 "nothing no data" "$scratch/nothing"
mkdir "$scratch/prose"; echo thesis >"$scratch/prose/thesis.txt"; echo a,b >"$scratch/prose/other.csv"
refused 1 "prose no data 1 *.csv" "$scratch/prose"
bad header_only.csv " rows" <<<"$header"
bad no_target.csv " proc_time_<service>" <<<"rps_eff,rep,milliseconds
1,1,0.1"
bad near_target.csv " proc_time_<service> 'prc_time_a'?" <<<"rps_eff,rep,prc_time_a
1,1,0.1"
bad no_feature.csv " 'rps_eff' 'rps_ef'?" <<<"rps_ef,rep,proc_time_a
1,1,0.1"
bad text.csv ":3 'fast' 'proc_time_a'" <<<"$header
1,1,0.1
1,1,fast"
bad nan.csv ":2 'nan'" <<<"$header
1,1,nan"
bad infinite.csv ":2 'inf'" <<<"$header
1,1,inf"
bad huge.csv ":2 '1e999'" <<<"$header
1,1,1e999"
bad negative.csv ":2 '-0.1'" <<<"$header
1,1,-0.1"
bad short.csv ":3 2 cells" <<<"$header
1,1,0.1
1,1"
bad long.csv ":2 4 cells" <<<"$header
1,1,0.1,7"
head -c 4000 /dev/zero | bad zeros.csv ":1: binary"
python3 -c 'import random, sys; random.seed(1); sys.stdout.buffer.write(random.randbytes(40000))' >"$scratch/noise"
for name in noise.csv noise.h5; do bad $name ":1: binary" <"$scratch/noise"; done
awk 'BEGIN {print "rps_eff,rep,proc_time_a"; for (i = 0; i < 100; i++) print "1,1," 5000 + i}' | bad units.csv " --time-unit"
mkdir "$scratch/files"; table "$scratch/files/1.csv" 800 1
sed '401s/,[^,]*,\([^,]*\)$/,slow,\1/' "$good" >"$scratch/files/2.csv"; refused 1 "files/2.csv:401 'slow'" "$scratch/files"
refused 1 "files/2.csv:401 'slow'" "$good" "$scratch/files/2.csv"

# ---- HDF5 ----

"$kt_train" "$good" --out "$scratch/run" --steps 75 -q >/dev/null || fail "a good run"
for part in 3000 $(($(stat -c %s "$scratch/run/dataset.h5") - 1)); do
  head -c $part "$scratch/run/dataset.h5" | bad truncated.h5 " damaged"
done
refused 1 "models.h5 kt-archive kt-dataset" "$scratch/run/models.h5"
"$KT_MAKE_NEWER" "$scratch/newer.h5" || fail "a dataset of a newer version"
refused 1 "newer.h5 version 2 up to 1" "$scratch/newer.h5"

# ---- options ----

refused 2 "--steps --stepz" "$good" --stepz 3
refused 2 "--family weibul" "$good" --family weibul
refused 2 "--test-cells 2" "$good" --test-cells 2
refused 2 "--steps -5" "$good" --steps -5
refused 2 "batch 100" "$good" --batch 100
refused 2 "'s_0' 's0'?" "$good" --service s_0
refused 2 "no data"
refused 1 "'rps_ef' 'rps_eff'?" "$good" --features rps_ef

# ---- output ----

# in the folder of the refusal before: a run that came to nothing is in nobody's way
ranks "$good" && ok || fail "a good run by two ranks: $(cat "$scratch/stderr")"
before=$(cd "$out" && sha256sum *)
ranks "$good" --family gamma
[ $? -eq 1 ] && ok || fail "another run's folder was taken"
one_message "$out --family weibull gamma --fresh" "another run's folder"
table "$scratch/other.csv" 800 1 2
ranks "$scratch/other.csv"
[ $? -eq 1 ] && ok || fail "the folder of a run on other data was taken"
one_message "$out other.csv good.csv --fresh" "the folder of a run on other data"
[ "$before" = "$(cd "$out" && sha256sum *)" ] && ok || fail "another run's files were changed"

out=$scratch/theirs
mkdir "$out"; echo thesis >"$out/thesis.tex"
ranks "$good" && fail "somebody's folder was taken"
one_message "$out thesis.tex" "somebody's folder"
[ "$(ls "$out")" = thesis.tex ] && ok || fail "somebody's folder: $(ls "$out")"

: >"$scratch/file"; out=$scratch/file/run
ranks "$good" && fail "a file as folder"
one_message "$scratch/file" "a file as folder"

mkdir "$scratch/small"
out=$scratch/small/run
if mount -t tmpfs -o ro tmpfs "$scratch/small" 2>/dev/null; then
  ranks "$good" && fail "a read-only file system"
  one_message "$out Read-only" "a read-only file system"
  umount "$scratch/small"
elif [ "$(id -u)" -ne 0 ]; then
  chmod a-w "$scratch/small"
  ranks "$good" && fail "a folder that may not be written to"
  one_message "$out Permission" "a folder that may not be written to"
  chmod u+w "$scratch/small"
fi

# a full disk, met at every stage: small file systems, where we may mount one
for kib in 8 20 32 44 48 52 56 60 64 68; do
  if ! mount -t tmpfs -o size=${kib}k tmpfs "$scratch/small" 2>/dev/null; then
    echo "full disk: not run, no right to mount a tmpfs"
    break
  fi
  ranks "$good" -q
  code=$?
  if [ -e "$out/run.json" ]; then
    [ $code -eq 0 ] && ok || fail "$kib KiB were enough, exit $code"
  else
    [ $code -eq 1 ] && ok || fail "full disk of $kib KiB: exit $code"
    one_message "$scratch/small/ No space left" "full disk of $kib KiB"
  fi
  for file in $(find "$scratch/small" -name '*.h5'); do # what is there is whole
    "$kt" verify "$file" >/dev/null && ok || fail "full disk of $kib KiB: $file is not whole"
  done
  [ -z "$(find "$scratch/small" -name '.*tmp*')" ] && ok || fail "full disk of $kib KiB: temporary files are left"
  umount "$scratch/small"
done
finish
