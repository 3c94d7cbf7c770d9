#!/usr/bin/env bash
# Every command of kt on an archive that kt-train made: its numbers, its words, its exit codes.
. "$(dirname "$0")/../job/common.sh"
cd "$scratch" || exit 1

table data.csv 2400 2
table fresh.csv 1600 2 9
"$kt_train" data.csv --out run --steps 150 -q >/dev/null 2>&1 || fail "kt-train"
archive=run/models.h5

# gives CODE ARGUMENTS...: runs kt into the files stdout and stderr
gives() {
  local code=$1 got
  shift
  "$kt" "$@" >stdout 2>stderr </dev/null
  got=$?
  if [ $got -eq "$code" ]; then ok; else fail "kt $*: exit $got, not $code: $(cat stderr)"; fi
}
# refused CODE "WORDS OF THE MESSAGE" ARGUMENTS...: one line on stderr, nothing on stdout
refused() {
  local code=$1 words=$2 word
  shift 2
  gives "$code" "$@"
  if [ "$(wc -l <stderr)" -eq 1 ] && [ ! -s stdout ]; then ok; else fail "kt $*: $(cat stdout stderr)"; fi
  for word in $words; do
    if grep -qF -- "$word" stderr; then ok; else fail "kt $*: no '$word' in: $(cat stderr)"; fi
  done
}
says() { if grep -qE -- "$1" stdout; then ok; else fail "no '$1' in: $(head -n 40 stdout)"; fi; }
never() { if grep -qE -- "$1" stdout; then fail "'$1' in: $(grep -E -- "$1" stdout)"; else ok; fi; }
holds() { if awk "$@"; then ok; else fail "awk $1"; fi; } # an awk program that exits 0 where all is well
is_json() {
  if ! command -v python3 >/dev/null; then echo "JSON of kt $*: not run, no python3"; return; fi
  gives 0 "$@" --json
  if python3 -m json.tool <stdout >/dev/null; then ok; else fail "kt $* --json is no JSON"; fi
}
# digests FILE: of each service's rows
digests() { "$kt" info "$1" --json | grep sha256; }
flip() { # FILE OFFSET: another value in one byte
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  printf "\\$(printf %03o $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- help, names, exit codes ----
for command in info predict sample evaluate verify import load; do
  for way in "$command --help" "help $command" "$command -h"; do
    gives 0 $way
    says "^usage: kt $command "
    says "^ .*--help"
  done
done
gives 0 --help; says "^  verify "
gives 0 --version; says "numerics [0-9]"
is_json --version
gives 2
refused 2 "evalute evaluate" evalute $archive
refused 2 "--servic --service" predict $archive --servic s0
refused 2 "0 files" verify
refused 2 "sorted --rps" predict $archive -s s0 --rps sorted --rep 1
refused 1 "missing.h5" info missing.h5
refused 1 "data.csv" info data.csv
refused 1 "dataset.h5" predict run/dataset.h5 -s s0 --rps 20 --rep 1
KT_ISA=v9 refused 2 "KT_ISA=v9" sample $archive -s s0 --rps 20 --rep 1
if [ -e /dev/full ]; then
  "$kt" info $archive >/dev/full 2>stderr
  [ $? -eq 1 ] && grep -q "No space left" stderr && ok || fail "a full disk: $(cat stderr)"
fi

# ---- info ----
is_json info $archive
is_json info run/dataset.h5 --cells
gives 0 info $archive
says "^sha256 +$(sha256sum $archive | cut -d ' ' -f 1)$"
says "^features rps_eff rep$"
says "^s0: weibull of 8, proc; .* rows trained, .* held out; 150 steps"
grep "held out, " stdout | tr -s ' ' >info.lines
[ "$(wc -l <info.lines)" -ge 2 ] && ok || fail "kt info has no held-out cells"
gives 0 info $archive --cells
grep -E "^s[01] +[0-7] +held out" stdout | tr -s ' ' >info.cells
gives 0 info run/dataset.h5
says "^s1 +2400 "

# ---- predict, one point ----
point="--rps 20 --rep 1"
gives 0 predict $archive -s s0 $point
says "^inside the hull"
# weights sum to 1; p50 and p99 are where the printed mixture's cdf, 1 - exp(-(y / scale)^k), has 0.5 and 0.99
holds -F '[ ,]+' '
  /^p50/ {y[0.5] = $2} /^p99/ {y[0.99] = $2} /^mean/ {mean = $2}
  /^  / {weight += $2; for (p in y) cdf[p] += $2 * (1 - exp(-(y[p] / $4) ^ $3))}
  function far(a, b) {return a < b - 1e-5 || a > b + 1e-5}
  END {exit far(weight, 1) || far(cdf[0.5], 0.5) || far(cdf[0.99], 0.99) || !(mean > 0)}' stdout
cp stdout one
gives 0 predict $archive -s s0 --at rps_eff=20 --at rep=1; same stdout one "--at"
gives 0 predict $archive -s s0 --rps 20.5 --rep 1
if cmp -s stdout one; then fail "another point, same mixture"; else ok; fi
gives 0 predict $archive -s s0 --rps 500 --rep 1; says "^OUTSIDE "
is_json predict $archive -s s0 $point --quantile 0.25
says '"0.25":'; says '"inside_hull": true'
refused 2 "rep" predict $archive -s s0 --rps 20
refused 2 "twice" predict $archive -s s0 $point --at rep=2
refused 2 "cores" predict $archive -s s0 $point --at cores=2
refused 2 "s_0 s0" predict $archive -s s_0 $point
refused 2 "2 --service" predict $archive $point
refused 2 "1.5 (0, 1)" predict $archive -s s0 $point --quantile 1.5
refused 2 "--out --grid" predict $archive -s s0 $point --out one.h5

# ---- predict, many points ----
grid="--grid rps=10:40:10 --grid rep=1:2"
gives 0 predict $archive -s s0 $grid --quantile 0.5 --quantile 0.999
cp stdout grid.csv
says "^rps_eff,rep,inside,p50,p99.9,weight_0,.*,weight_7,concentration_0,.*,scale_7$"
holds -F, 'NR > 1 && ($1 != 10 * (1 + int((NR - 2) / 2)) || $2 != 1 + NR % 2 || NF != 29 || $4 >= $5) {bad = 1}
  END {exit bad || NR != 9}' grid.csv
p50=$(awk '/^p50/ {print $2}' one)
holds -F, -v p50="$p50" '$1 == 20 && $2 == 1 {d = $4 / p50 - 1; near = d < 1e-5 && d > -1e-5} END {exit !near}' grid.csv
gives 0 predict $archive -s s0 $grid --quantile 0.5 --quantile 0.999 --out grid.h5
[ -s stdout ] && fail "text beside --out" || ok
column=4
for part in quantile:2 weight:8 concentration:8 scale:8; do # the file's numbers, printed as the table prints them
  h5dump -y -w 1 -m %.9g -d "/${part%:*}" grid.h5 | grep -E '^ +[-0-9.e]+,?$' | tr -d ' ,' >h5
  awk -F, -v from=$column -v n="${part#*:}" 'NR > 1 {for (i = 0; i < n; i++) print $(from + i)}' grid.csv >csv
  [ "$(wc -l <csv)" -eq $((8 * ${part#*:})) ] && ok || fail "$part: $(wc -l <csv) numbers"
  same h5 csv "--out, ${part%:*}"
  column=$((column + ${part#*:}))
done
awk -F, 'NR > 1 {print $2 "," $1 "\r"} BEGIN {print "rep,rps\r"}' grid.csv >points.csv
gives 0 predict $archive -s s0 --points points.csv --quantile 0.5 --quantile 0.999
same stdout grid.csv "--points"
refused 2 "--points --grid" predict $archive -s s0 --points points.csv $grid
refused 2 "--json --out" predict $archive -s s0 $grid --json
refused 2 "rps_eff" predict $archive -s s0 --grid rep=1:2
refused 2 "40:10" predict $archive -s s0 --grid rps=40:10 --grid rep=1:2
refused 2 "10:20:0" predict $archive -s s0 --grid rps=10:20:0 --grid rep=1:2
refused 2 "twice" predict $archive -s s0 $grid --grid rep=1:4
refused 2 "points" predict $archive -s s0 --grid rps=0:1e9:1 --grid rep=1:1000
bad_points() { # "WORDS": the rest of standard input is the file
  cat >bad.csv
  refused 1 "bad.csv $1" predict $archive -s s0 --points bad.csv --out bad.h5
  [ -e bad.h5 ] && fail "bad points: bad.h5 is there" || ok
}
bad_points ":3: 'many'" <<<$'rps,rep\n1,1\n1,many'
bad_points ":2: 'nan'" <<<$'rps,rep\n1,nan'
bad_points ":4: 1 cells" <<<$'rps,rep\n1,1\n\n1'
bad_points ":2: '3'" <<<$'rps,rep\n1,1,3'
bad_points ":1: 'cores'" <<<$'rps,cores\n1,1'
bad_points ":1: twice" <<<$'rps,rps_eff\n1,1'
bad_points ":1: 1" <<<$'rps\n1'
bad_points "no points" <<<"rps,rep"
refused 1 "missing.csv" predict $archive -s s0 --points missing.csv

# ---- sample ----
gives 0 sample $archive -s s0 $point -n 10000 --seed 5
cp stdout draws
[ "$(wc -l <draws)" -eq 10000 ] && ok || fail "$(wc -l <draws) draws"
gives 0 sample $archive -s s0 $point --number 10000 --seed 5; same stdout draws "the same seed"
gives 0 sample $archive -s s0 $point -n 100 --seed 5; same stdout <(head -n 100 draws) "fewer draws of a seed"
gives 0 sample $archive -s s0 $point -n 10000 --seed 6
if cmp -s stdout draws; then fail "another seed, same draws"; else ok; fi
gives 0 sample $archive -s s0 $point -n 0; [ -s stdout ] && fail "no draws" || ok
is_json sample $archive -s s0 $point -n 3
# Kolmogorov's distance to the quantiles of the point; beyond 1.63 / sqrt(n) in one of 100 seeds
quantiles=$(for p in 02 08 14 20 28 36 44 52 60 68 76 84 90 95 97 99; do echo "--quantile 0.$p"; done)
distance() { # GRID...: of the draws to the model at that point
  gives 0 predict $archive -s s0 "$@" $quantiles
  awk -F, 'NR == FNR {if (FNR == 1) for (i = 4; i < 20; i++) p[i] = substr($i, 2) / 100
                      else for (i in p) y[i] = $i; next}
    {for (i in p) below[i] += $1 <= y[i]; n++}
    END {for (i in p) {d = below[i] / n - p[i]; d = d < 0 ? -d : d; if (d > most) most = d} print most}' stdout draws
}
here=$(distance --grid rps=20:20 --grid rep=1:1)
there=$(distance --grid rps=20:20 --grid rep=2:2)
holds -v here="$here" -v there="$there" 'BEGIN {exit !(here > 0 && here < 0.0163 && there > 0.1)}'
"$kt" sample $archive -s s0 $point -n 1000000 2>stderr | head -n 1 >stdout
[ -s stdout ] && [ ! -s stderr ] && ok || fail "a closed pipe: $(cat stderr)"
gives 0 sample $archive -s s0 --rps 500 --rep 1; grep -q outside stderr && ok || fail "outside: $(cat stderr)"
refused 2 "-n" sample $archive -s s0 $point -n -1

# ---- evaluate ----
for data in data.csv run/dataset.h5; do # what it was trained on: the very scores that the archive holds
  gives 0 evaluate $archive $data
  never "new data"; says "^s0 .*training rows, "; says "^s1 .*training rows, "
  grep "held out, " stdout | tr -s ' ' >lines
  same lines info.lines "scores of $data"
  gives 0 evaluate $archive $data --cells
  grep "held out, " stdout | tr -s ' ' >lines
  same lines info.cells "cells of $data"
done
is_json evaluate $archive data.csv
(sed 1q data.csv; sed 1d data.csv | awk '{print ($0 * 7919 + NR * 104729) % 99991 "\t" $0}' | sort -n | cut -f 2 |
  head -n 1200) >half.csv
gives 0 evaluate $archive half.csv --cells
never "held out"
for service in s0 s1; do
  for cell in 0 1 2 3 4 5 6 7; do # cells that were held out are new to the model, the others are not
    if grep -qE "^$service $cell held out" info.cells; then says "^$service +$cell +new data"
    else says "^$service +$cell +training rows"; fi
  done
done
gives 0 evaluate $archive fresh.csv
says "new data"; never "held out|training rows"
gives 0 evaluate $archive data.csv -s s1; says "^s1 "; never "^s0 "
refused 2 "s_1 s1" evaluate $archive data.csv -s s_1
refused 1 "missing.csv" evaluate $archive missing.csv
refused 2 "1 files" evaluate $archive
sed 's/proc_time_s/proc_time_t/g' fresh.csv >others.csv
gives 1 evaluate $archive others.csv
grep -q "none of the 2 services" stderr && ok || fail "other services: $(cat stderr)"

# ---- import ----
gives 0 import data.csv --out imported.h5
says "^s0: 2400 rows, 8 cells"
same <(digests imported.h5) <(digests run/dataset.h5) "the imported rows"
gives 0 import imported.h5 --out again.h5; same imported.h5 again.h5 "imported twice"
"$kt_train" imported.h5 --out from_import --steps 150 -q >/dev/null 2>&1 || fail "kt-train imported.h5"
same from_import/models.h5 $archive "trained from the import"
refused 2 "--out" import data.csv
printf 'rps_eff,rep,proc_time_a\n1,1,0.1\n1,1,fast\n' >bad.csv
refused 1 "bad.csv:3 fast" import bad.csv --out bad.h5
[ -e bad.h5 ] && fail "bad.h5 is there" || ok

# ---- verify ----
gives 0 verify $archive run/dataset.h5 imported.h5
says "^$archive: whole, kt-archive, 2 services, sha256 $(sha256sum $archive | cut -d ' ' -f 1)$"
says "^imported.h5: whole, kt-dataset, 2 services$"
is_json verify $archive imported.h5
size=$(stat -c %s $archive)
for offset in 0 12 40 300 512 600 $((size / 2)) $((size - 1)); do
  cp $archive damaged.h5
  flip damaged.h5 "$offset"
  cmp -s $archive damaged.h5 && fail "nothing flipped at $offset"
  refused 1 "damaged.h5" verify damaged.h5
  refused 1 "damaged.h5" info damaged.h5
  refused 1 "damaged.h5" predict damaged.h5 -s s0 $point
done
head -c $((size / 2)) $archive >damaged.h5; refused 1 "damaged.h5" verify damaged.h5
cp imported.h5 damaged.h5 # a time of the middle of the rows
at=$(h5dump -p -H -d /y imported.h5 | awk '/OFFSET/ {print $2}')
flip damaged.h5 $((at + 8 * 1000 + 2))
refused 1 "damaged.h5 s0" verify damaged.h5
gives 1 verify imported.h5 damaged.h5 # the good one is said to be, the bad one ends it
says "^imported.h5: whole"
refused 1 "data.csv" verify data.csv
finish
