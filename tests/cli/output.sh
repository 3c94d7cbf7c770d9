#!/usr/bin/env bash
# A reader that has enough ends kt without a word; a disk that is full is one message and a failure, whatever was printed.
. "$(dirname "$0")/common.sh"
"$KT_MAKE_ARCHIVE" models.h5 || fail "make_archive"
table data.csv 160 1
run 0 import data.csv --out data.h5
long="--grid rps=1:40:0.001 --grid rep=1:4"
commands=("--help" "help predict" "info --help" "--version" "--version --json" "info models.h5" "info models.h5 --json"
  "info data.h5 --cells" "verify models.h5 data.h5" "predict models.h5 --service cart --rps 10 --rep 2"
  "predict models.h5 --service cart $long" "sample models.h5 --service cart --rps 10 --rep 2 -n 200000"
  "sample models.h5 --service cart --rps 10 --rep 2 -n 20000 --json" "import data.csv --out again.h5")

for arguments in "${commands[@]}"; do
  "$kt" $arguments 2>stderr | true
  [ -s stderr ] && fail "kt $arguments | true: $(cat stderr)" || ok
  (trap '' PIPE; timeout 60 "$kt" $arguments 2>stderr) | true
  [ -s stderr ] && fail "kt $arguments | true, where a parent ignores SIGPIPE: $(cat stderr)" || ok
  [ -e /dev/full ] || continue
  "$kt" $arguments >/dev/full 2>stderr
  [ $? -eq 1 ] && ok || fail "kt $arguments >/dev/full does not fail"
  counts stderr 1 'No space left'
done
"$kt" predict models.h5 --service cart $long 2>stderr | head -n 3 >lines
counts lines 3 ','
[ -s stderr ] && fail "| head: $(cat stderr)" || ok
finish
