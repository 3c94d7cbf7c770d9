#!/usr/bin/env bash
# What kt evaluate calls held out, trained on and new: rows that a model was trained on are never new where they can be
# recognised, and nothing is held out but the archive's own cells.
. "$(dirname "$0")/common.sh"
table data.csv 2400 2
table fresh.csv 2400 2 7
"$kt_train" data.csv --out run --steps 150 -q >/dev/null 2>stderr || fail "kt-train: $(cat stderr)"
archive=run/models.h5
header=$(head -n 1 data.csv)

run 0 evaluate $archive data.csv --cells
grep 'held out' stdout | awk '{ print $1, $2 }' >held
[ "$(wc -l <held)" -ge 4 ] && ok || fail "held out: $(cat held)"
counts stdout $((16 - $(wc -l <held))) 'training rows'

# Two whole cells, as they are in the archive's data, but not those data.
(echo "$header"; awk -F, '$NF == 0 || $NF == 1' data.csv) >part.csv
run 0 evaluate $archive part.csv --cells
lacks stdout 'held out'

# All of one cell, ten rows of the others: too few for the sketch to meet one of them for sure. They stand beside rows that
# were recognised and are not called new.
cell=$(awk '$1 == "s0" { held[$2] = 1 } END { for (c = 0; c < 8; c++) if (!(c in held)) { print c; exit } }' held)
(echo "$header"; awk -F, -v all="$cell" 'NR > 1 && ($NF == all || seen[$NF]++ < 10)' data.csv) >few.csv
run 0 evaluate $archive few.csv --service s0 --cells
counts stdout 8 'training rows'
lacks stdout 'new data'

# The same law, other draws; and both together: each cell for itself.
run 0 evaluate $archive fresh.csv --cells
counts stdout 16 'new data'
(cat data.csv; awk -F, -v OFS=, 'NR > 1 { $NF += 100; print }' fresh.csv) >both.csv
run 0 evaluate $archive both.csv --cells
lacks stdout 'held out'
awk '$2 >= 100' stdout >new; counts new 16 'new data'
awk '$2 < 100' stdout >old; counts old "$(wc -l <held)" 'new data' # held-out cells: the model never saw them

# One line less, one digit of one time: other data.
sed '$d' data.csv >shorter.csv
run 0 evaluate $archive shorter.csv; lacks stdout 'held out'
sed '2s/,0\.00\([0-9]\)/,0.01\1/' data.csv >changed.csv
cmp -s data.csv changed.csv && fail "nothing was changed" || ok
run 0 evaluate $archive changed.csv --service s0; lacks stdout 'held out'

# Another unit is the same data once it is said; other features and targets are refused or named.
awk -F, -v OFS=, 'NR > 1 { for (i = 3; i < NF; i++) $i = sprintf("%.6f", 1e3 * $i) } { print }' data.csv >ms.csv
run 0 evaluate $archive ms.csv --time-unit ms --cells
awk '{ print $1, $2, $7, $8 }' stdout | tail -n +3 | sort >a # KS is the same whatever the unit
run 0 evaluate $archive data.csv --cells
awk '{ print $1, $2, $7, $8 }' stdout | tail -n +3 | sort >b
same a b "--time-unit ms"
sed '1s/rps_eff/load/' data.csv >load.csv
run 1 evaluate $archive load.csv; has stderr 'rps_eff'
sed '1s/proc_time_s1/proc_time_unknown/' data.csv >unknown.csv
run 0 evaluate $archive unknown.csv; has stderr 'unknown: no model'; has stdout 's0'
finish
