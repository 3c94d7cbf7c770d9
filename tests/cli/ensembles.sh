#!/usr/bin/env bash
# Models of several members: every answer is that of all of them, a .keras file has the best and says so.
. "$(dirname "$0")/common.sh"
"$KT_MAKE_ARCHIVE" models.h5 ensembles || fail "make_archive"
"$KT_MAKE_ARCHIVE" plain.h5 || fail "make_archive"
point="--service cart.shop --rps 12 --rep 2"

# ---- one point: nine components, the weights of each member sum to a third ----
run 0 predict models.h5 $point
has stdout "an ensemble of 3"
tr -d , <stdout | awk '/^  / {n++; sum += $1; part[int((n - 1) / 3)] += $1}
  END {for (m = 0; m < 3; m++) if ((part[m] - 1 / 3) ^ 2 > 1e-14) exit 1; exit n != 9 || (sum - 1) ^ 2 > 1e-14}' &&
  ok || fail "weights: $(cat stdout)"
tr -d , <stdout | awk '/^  / && ++n <= 3 {printf "%.9g %s %s\n", 3 * $1, $2, $3}' >best
run 0 predict plain.h5 $point
lacks stdout "ensemble"
tr -d , <stdout | awk '/^  / {print $1, $2, $3}' | paste -d ' ' - best | awk '
  function far(a, b) {return (a - b) ^ 2 > (1e-6 * a) ^ 2}
  {n++; if (far($1, $4) || far($2, $5) || far($3, $6)) bad = 1} END {exit bad || n != 3}' &&
  ok || fail "the best member is not the plain model: $(cat best)"
run 0 predict models.h5 $point --json
has stdout '"members": 3'
run 0 predict plain.h5 $point --json
lacks stdout '"members"'

# ---- many points, as CSV and HDF5; a median halves the draws ----
run 0 predict models.h5 --service cart.shop --grid rps=12:13:1 --grid rep=2:2:1 --quantile 0.5
head -n 1 stdout | tr , '\n' | grep -c weight_ | grep -qx 9 && ok || fail "header: $(head -n 1 stdout)"
sed 1d stdout | awk -F, '{sum = 0; for (i = 5; i < 14; i++) sum += $i; if ((sum - 1) ^ 2 > 1e-12) exit 1}' &&
  ok || fail "weights of the grid: $(cat stdout)"
median=$(sed -n 2p stdout | cut -d , -f 4)
run 0 predict models.h5 --service cart.shop --grid rps=12:13:1 --grid rep=2:2:1 --out grid.h5
run 0 sample models.h5 $point -n 10000
awk -v median="$median" '$1 < median {n++} END {exit n < 4800 || n > 5200}' stdout && ok || fail "the median of draws is not $median"

# ---- data: scored with all members ----
table data.csv 160 1
sed -i '1s/proc_time_s0/proc_time_cart.shop/' data.csv
for archive in models plain; do
  run 0 evaluate $archive.h5 data.csv --json
  cp stdout $archive.json
done
cmp -s models.json plain.json && fail "evaluate: an ensemble scores as its best member" || ok

# ---- what is said of them ----
run 0 info models.h5
has stdout "kt-archive version 2"
has stdout "cart.shop: weibull of 9, an ensemble of 3, proc+delay"
has stdout "sweep    9 trials, objective nll, each service by itself"
has stdout 'trial 7, value -3.5: {"layers":"4,3","rate":0.01}'
run 0 info models.h5 --json
counts stdout 1 '"trials": 9'
counts stdout 2 '"members": ['
counts stdout 5 '"layers": [' # of each member
run 0 info plain.h5
has stdout "kt-archive version 1"
lacks stdout "ensemble"
lacks stdout "sweep"
run 0 report models.h5 --out page.html
has page.html "an ensemble of 3 members, 9 weibull components"
counts page.html 2 "Losses of the best member"
has page.html "Found by a sweep, in trial 7: layers 4,3, rate 0.01."
has page.html "kt-train --sweep sweep.json DATA --config options.json"
run 0 report models.h5 --format md
counts stdout 1 "An ensemble of 3 members."
run 0 report models.h5 --format json
has stdout '"members": 3'
run 0 report plain.h5 --out page.html
lacks page.html "nsemble"
lacks page.html "Found by a sweep"
lacks page.html "How the settings were found"

# ---- tables and .keras files ----
run 0 export models.h5 --format csv --out tables --grid rps=12:12:1 --grid rep=2:2:1
[ "$(grep -c '^cart.shop,' tables/mixtures.csv)" -eq 9 ] && ok || fail "$(cat tables/mixtures.csv)"
run 0 export models.h5 --format json --out tables --grid rps=12:12:1 --grid rep=2:2:1
run 0 verify --contract kubetwin tables/mixtures.json -s cart.shop --branch mdn_application_2024 --rps 12:12 --rep 2:2
run 0 export models.h5 --out keras
has stderr "kt export: cart.shop: its .keras file has the best of 3 members"
counts stderr 2 "the best of"
run 0 export models.h5 --out quiet -q
[ -s stderr ] && fail "-q: $(cat stderr)" || ok
run 0 export plain.h5 --out alone
lacks stderr "the best of"
run 0 import keras/saved_models/cart.shop/model/model.keras --out back.h5
run 0 predict back.h5 $point
tr -d , <stdout | awk '/^  / {print $1, $2, $3}' | paste -d ' ' - best | awk '
  function far(a, b) {return (a - b) ^ 2 > (1e-5 * a) ^ 2}
  {n++; if (far($1, $4) || far($2, $5) || far($3, $6)) bad = 1} END {exit bad || n != 3}' &&
  ok || fail "the .keras file is not the best member: $(cat stdout)"
run 0 export models.h5 --format kubetwin --service cart.shop --out twin --rps 12 --rep 2
has twin/microservice_types.conf "# the best of 3 members; the distribution below is that of all"
[ "$(grep -c 'distribution: :weibull' twin/microservice_types.conf)" -eq 9 ] && ok || fail "$(cat twin/microservice_types.conf)"
has stderr "the best of 3 members"
finish
