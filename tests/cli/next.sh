#!/usr/bin/env bash
# kt next: cells of a run, of an archive alone, from a table; a plan that kt load takes; what is refused.
. "$(dirname "$0")/common.sh"
"$KT_MAKE_ARCHIVE" models.h5 || fail "make_archive"
table data.csv 1600 2
"$kt_train" data.csv --out run --steps 75 -q >/dev/null 2>&1 || fail "kt-train"
lines() { if [ "$(wc -l <stdout)" -eq "$1" ]; then ok; else fail "$(wc -l <stdout) lines, not $1: $(cat stdout)"; fi; }

run 0 next run
lines 12 # two of heading
has stdout "because it is"
run 0 next run --budget 4 --out plan.json --uri http://127.0.0.1:1/ --requests 50
lines 6
run 0 load --plan plan.json --dry-run # which says each cell
counts stdout 4 " 50"
run 0 next run --budget 4 --json --requests 50 --uri http://127.0.0.1:1/
cmp -s stdout plan.json && ok || fail "--json prints another plan than --out writes"
cp stdout first
run 0 next run --budget 4 --json --requests 50 --uri http://127.0.0.1:1/
cmp -s stdout first && ok || fail "another choice"
run 0 next run/models.h5 -s s0 --budget 3 --rps 5:50:5 --rep 2
lines 5
printf 'rps_eff,rep\n12,1\n7,2\n500,2\n' >cells.csv
run 0 next run --points cells.csv --most-utilisation 1000000
lines 5 # fewer than the budget
run 0 next models.h5 -s cart.shop --budget 2 --json
has stdout '"cart.shop"'

run 2 next run --points cells.csv --rps 1:2
has stderr "--points has the cells"
run 2 next run --budget 0
run 2 next run --rps 2:1
run 2 next run -s nobody
run 2 next run --rps 1:5000 --rep 1:4 --most-utilisation 1000
has stderr "cells to choose from"
run 1 next run --most-utilisation 0
has stderr "below --most-utilisation 0"
run 1 next missing.h5
run 1 next run --out no/such/folder/plan.json
finish
